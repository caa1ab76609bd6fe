// One relayed node through everything that a network and a host do: no answer, no login, a cut, nonsense; and back again.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RelayedNode } from '../../../agent/relay/config.ts';
import type { RelayNode } from '../../../agent/relay/node.ts';
import { systemClock, type Clock } from '../../../agent/clock.ts';
import { hastyClock, startRelayNode } from '../../doubles/ssh/relay.ts';
import { startSshServer, type StandIn, type StandInOptions } from '../../doubles/ssh/ssh-server.ts';
import { readingOf } from '../../doubles/reading.ts';

let root: string;
let host: StandIn | undefined;
let running: RelayNode | undefined;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'whyidle-relay-'));
  mkdirSync(join(root, 'proc'));
  writeFileSync(join(root, 'proc/stat'), 'cpu  1 2 3 4 5 6 7 8 0 0\ncpu0 1 2 3 4 5 6 7 8 0 0\nbtime 1700000000\n');
  setLoad(1);
});
afterEach(async () => {
  await running?.stop();
  await host?.stop();
  host = running = undefined;
  rmSync(root, { recursive: true, force: true });
});

function setLoad(load: number): void {
  writeFileSync(join(root, 'proc/loadavg'), `${load.toFixed(2)} 0.50 0.25 1/100 1234\n`);
}

async function start(options: StandInOptions = {}, clock: Clock = systemClock) {
  host = await startSshServer(options);
  const relayed: RelayedNode = { name: 'node01', target: host.target, root, nvidiaSmi: undefined };
  const started = startRelayNode(relayed, { clock });
  running = started.node;
  return { ...started, load: () => loadOf(started.node) };
}

const noReader = { discover: () => undefined, read: () => 'ok' as const, stop: () => undefined };
const loadOf = ({ snapshot }: RelayNode) => readingOf(noReader, snapshot).amount('load1');

describe('a relayed node', () => {
  it('shows what its files say, round after round', async () => {
    const { samples, load, node } = await start();
    await samples(1);
    expect(load()).toBe(1);
    expect(readingOf(noReader, node.snapshot).labels('node_info')).toMatchObject({ via: 'ssh' });
    setLoad(2);
    await samples(3);
    expect(load()).toBe(2);
  });

  it('comes back after its connection was cut', async () => {
    const { samples, warning, load } = await start({}, hastyClock());
    await samples(2);
    const warned = warning();
    host?.cut();
    expect(await warned).toMatch(/closed/);
    setLoad(3);
    await samples(4);
    expect(load()).toBe(3);
    expect(host?.logins).toBe(2);
  });

  it('is connected to anew when its loop hangs', async () => {
    const { samples, warning } = await start(
      { onExec: hangOnce() },
      hastyClock(() => host?.logins === 1),
    );
    const warned = warning();
    expect(await warned).toMatch(/timed_out.*no answer within/);
    await samples(2);
    expect(host?.logins).toBe(2);
  });

  it('that talks nonsense is left and tried again', async () => {
    let runs = 0;
    const { samples, warning } = await start(
      {
        onExec: (command, channel) => {
          if (runs++ > 0) shell(command, channel);
          else channel.write('\nwhyidle-relay 1 x86_64\nTraceback (most recent call last):\n');
        },
      },
      hastyClock(),
    );
    expect(await warning()).toMatch(/garbled/);
    await samples(1);
  });

  it('whose account has no shell says so', async () => {
    const { warning } = await start(
      {
        onExec: (_, channel) => {
          channel.write('This account is currently not available.\n');
          channel.end();
        },
      },
      hastyClock(),
    );
    expect(await warning()).toMatch(/its loop ended/);
  });

  it('that refuses the key is tried again slowly', async () => {
    const waits: number[] = [];
    const clock: Clock = {
      ...systemClock,
      after: (ms, call) => {
        waits.push(ms);
        return systemClock.after(ms, call);
      },
    };
    const { warning } = await start(
      {
        authenticate: (context) => {
          context.reject(['publickey']);
        },
      },
      clock,
    );
    expect(await warning()).toMatch(/"reason":"auth"/);
    // Half of the first minute: this jitter is the smallest. The inventory's own timers are 300 s.
    expect(waits.filter((ms) => ms >= 500 && ms < 300_000)).toEqual([30_000]);
    expect(host?.logins).toBe(0);
  });
});

function hangOnce(): NonNullable<StandInOptions['onExec']> {
  let runs = 0;
  return (command, channel) => {
    if (runs++ > 0) shell(command, channel);
  };
}

const shell: NonNullable<StandInOptions['onExec']> = (command, channel) => {
  const child = spawn('/bin/sh', ['-c', command]);
  child.stdin.on('error', () => undefined);
  channel.pipe(child.stdin);
  child.stdout.pipe(channel);
};
