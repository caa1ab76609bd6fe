// A viewer that does not take its messages is passed over; the others are served.
import { expect, test } from 'vitest';
import { Alerts } from '../../../server/alerts/alerts.ts';
import { LiveBroadcast, type LiveNamespace } from '../../../server/broadcast/live.ts';
import { silentLog } from '../../../server/log.ts';
import { defaultConfig, gpuSeries, StandInNode, fleetState } from '../stand-in.ts';

type Listener = (...args: unknown[]) => void;

/** Of a socket.io socket only what the broadcast uses. */
function standInSocket(id: string) {
  const listeners = new Map<string, Listener>();
  const sent: string[] = [];
  return {
    id,
    sent,
    listeners,
    conn: { transport: { writable: true } },
    emit: (event: string) => sent.push(event),
    on: (event: string, listener: Listener) => listeners.set(event, listener),
    join: () => undefined,
    leave: () => undefined,
  };
}

test('only viewers whose last message is on its way get the next', () => {
  const one = new StandInNode('n');
  one.sample(gpuSeries({ busy: 80, processes: 1 }));
  let welcome: Listener = () => undefined;
  const broadcasts: (readonly string[])[] = [];
  const namespace = {
    on: (_event: string, listener: Listener) => (welcome = listener),
    to: () => ({ except: (ids: readonly string[]) => ({ emit: () => broadcasts.push(ids) }) }),
  };
  const broadcast = new LiveBroadcast(namespace as unknown as LiveNamespace, {
    incidents: { open: [] },
    fleet: one.fleet,
    alerts: new Alerts(one.fleet, defaultConfig),
    cluster: 'c',
    attribution: () => fleetState.attribution,
    storeState: () => ({ ok: true }),
    clock: one.clock,
    log: silentLog,
  }); // the stand-in has what the broadcast calls
  const [slow, quick] = [standInSocket('slow'), standInSocket('quick')];
  for (const socket of [slow, quick]) {
    welcome(socket);
    socket.listeners.get('watch')?.({ view: 'fleet' }, () => undefined);
    expect(socket.sent).toEqual(['hello', 'fleet_directory', 'fleet']);
  }
  slow.conn.transport.writable = false;
  broadcast.tick();
  expect(broadcasts).toEqual([['slow']]);
  quick.conn.transport.writable = false;
  broadcast.tick();
  expect(broadcasts).toHaveLength(1);
  for (const socket of [slow, quick]) socket.listeners.get('disconnect')?.();
  expect(broadcast.viewers).toBe(0);
});
