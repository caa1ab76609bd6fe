import { describe, expect, test } from 'vitest';
import { AgentAlerts } from '../../../server/alerts/agents.ts';
import { alertsOfIncidents } from '../../../server/alerts/incidents.ts';
import { Fleet } from '../../../server/fleet/fleet.ts';
import { Ledger } from '../../../server/ledger/ledger.ts';
import { bookOf } from '../incidents/book-of.ts';
import { gpuSeries, SetClock, StandInNode } from '../stand-in.ts';

const [thermal] = bookOf('thermal', 3).all;
if (!thermal) throw new Error('the episode has no incident');
const open = { ...thermal, state: 'open' as const };

describe('incidents that last', () => {
  test('fire after their time, in the words of the incident', () => {
    const since = open.since_ms;
    expect(alertsOfIncidents([open], since + 9 * 60_000)[0]?.state).toBe('pending');
    expect(alertsOfIncidents([open], since + 10 * 60_000)).toMatchObject([
      { kind: 'incident', state: 'firing', severity: 'warning', node: open.nodes[0], text: open.text },
    ]);
  });

  test('are not told twice, nor when they are only information', () => {
    expect(
      alertsOfIncidents(
        [
          { ...open, cause: 'held.idle' },
          { ...open, severity: 'info' },
        ],
        1e15,
      ),
    ).toEqual([]);
  });
});

describe('agents that cannot be right', () => {
  const clock = new SetClock();
  const fleet = new Fleet(new Ledger());
  const node = new StandInNode('n1', { clock, fleet });
  node.sample(gpuSeries({}));

  test('a clock that is off by more than two seconds, once that has lasted', () => {
    const alerts = new AgentAlerts(fleet, { conflicts: () => [] });
    expect(alerts.alerts(clock.ms)).toEqual([]);
    for (let minute = 0; minute < 11; minute++) {
      for (let frame = 0; frame < 60; frame++) node.node.noteClock(clock.ms - 3500, clock.ms);
      node.sample(gpuSeries({}));
      const [alert] = alerts.alerts(clock.ms);
      expect(alert).toMatchObject({ kind: 'clock_skew', node: 'n1', state: minute < 10 ? 'pending' : 'firing' });
      expect(alert?.text).toMatch(/the clock of n1 is \d\.\d s behind the server's/);
      clock.ms += 60_000;
    }
  });

  test('two of one name', () => {
    const conflict = { node: 'n1', sinceMs: 5, lastMs: 6, text: 'two agents call themselves n1: a and b' };
    const alerts = new AgentAlerts(new Fleet(new Ledger()), { conflicts: () => [conflict] });
    expect(alerts.alerts(7)).toMatchObject([
      { kind: 'name_conflict', state: 'firing', text: conflict.text, since_ms: 5 },
    ]);
  });
});
