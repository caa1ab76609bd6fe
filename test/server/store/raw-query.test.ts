import { describe, expect, test } from 'vitest';
import type { QuerySeries } from '../../../server/store/entries.ts';
import { AgentStandIn, type Value } from './agent-stand-in.ts';
import { CoreStand, ownFolder } from './core-stand.ts';

const T = 1_800_000_000_000;
const HUGE = 2n ** 63n;

/** `[disk 0, disk 1, unknown, load]` per second. */
function second(read: Value, load: Value = 0): readonly Value[] {
  return [read, 0, 1, load];
}

async function stored(agent: AgentStandIn, samples: readonly (readonly Value[])[]): Promise<CoreStand> {
  const stand = await CoreStand.open({ folder: ownFolder() });
  await stand.store(agent.session, ...samples.map((values, at) => agent.frame(values, T + at * 1000)));
  return stand;
}

function only(series: readonly QuerySeries[]): QuerySeries {
  const [first] = series;
  if (!first || series.length !== 1) throw new Error(`${series.length} series`);
  return first;
}

describe('every reading', () => {
  test('counts beyond 2^53 are exact, and so are their gains', async () => {
    const stand = await stored(new AgentStandIn('node07'), [second(HUGE), second(HUGE + 3n), second(HUGE + 1003n)]);
    const { series, engine, sinceMs } = await stand.query({ labels: { node: 'node07', device: 'nvme0n1' } });
    const one = only(series);
    expect(one.exact).toEqual(['9223372036854775808', '9223372036854775811', '9223372036854776811']);
    expect([...one.mean]).toEqual([NaN, 3, 1000]);
    expect([...one.times]).toEqual([T, T + 1000, T + 2000]);
    expect([...one.count]).toEqual([1, 1, 1]);
    expect(one.min).toBe(one.mean);
    expect(one.labels).toEqual({ node: 'node07', device: 'nvme0n1' });
    expect({ engine, sinceMs }).toEqual({ engine: 'journal', sinceMs: T });
    await stand.close();
  });

  test('a gauge is its level in base units', async () => {
    const stand = await stored(new AgentStandIn('node07'), [second(0, 150), second(0, 25)]);
    expect([...only((await stand.query({ metrics: ['load1'] })).series).mean]).toEqual([1.5, 0.25]);
    await stand.close();
  });

  test('a counter that went back has no gain, nor has one after an absence', async () => {
    const samples = [second(100), second(40), second(45), second('timed_out'), second(50), second(51)];
    const stand = await stored(new AgentStandIn('node07'), samples);
    const one = only((await stand.query({ labels: { device: 'nvme0n1' } })).series);
    expect([...one.mean]).toEqual([NaN, NaN, 5, NaN, NaN, 1]);
    expect(one.exact).toEqual(['100', '40', '45', 'timed_out', '50', '51']);
    await stand.close();
  });

  test('a gain is per second of the time that it took', async () => {
    const agent = new AgentStandIn('node07');
    const stand = await CoreStand.open({ folder: ownFolder() });
    await stand.store(agent.session, agent.frame(second(0), T), agent.frame(second(100), T + 4000));
    expect([...only((await stand.query({ labels: { device: 'nvme0n1' } })).series).mean]).toEqual([NaN, 25]);
    await stand.close();
  });

  test('the first reading of a range has its gain: the one before the range is read as well', async () => {
    const samples = Array.from({ length: 10 }, (_, at) => second(at * at));
    const stand = await stored(new AgentStandIn('node07'), samples);
    const { series } = await stand.query({ labels: { device: 'nvme0n1' }, fromMs: T + 5000, toMs: T + 7000 });
    expect([...only(series).mean]).toEqual([9, 11, 13]);
    await stand.close();
  });

  test('readings that are not yet on disk are part of the answer', async () => {
    const agent = new AgentStandIn('node07');
    const stand = await CoreStand.open({ folder: ownFolder() });
    stand.append(agent.session, agent.frame(second(1), T));
    expect(only((await stand.query({ labels: { device: 'nvme0n1' } })).series).exact).toEqual(['1']);
    await stand.close();
  });
});

describe('late and repeated frames', () => {
  test('late ones lie where they belong, repeated ones are only a base', async () => {
    const live = new AgentStandIn('node07');
    const late = new AgentStandIn('node07', { backlog: true, seq: 2 });
    const stand = await CoreStand.open({ folder: ownFolder() });
    await stand.store(
      live.session,
      live.frame(second(10), T),
      ...[live.frame(second(20), T + 1000)].slice(1), // frame 2 never arrived
    );
    const again = new AgentStandIn('node07', { seq: 5 });
    await stand.store(again.session, again.frame(second(50), T + 4000));
    await stand.store(
      late.session,
      late.frame(second(20), T + 1000, { repeated: true }),
      late.frame(second(30), T + 2000),
      late.frame(second(41), T + 3000),
    );
    const one = only((await stand.query({ labels: { device: 'nvme0n1' } })).series);
    expect([...one.times]).toEqual([T, T + 2000, T + 3000, T + 4000]);
    expect(one.exact).toEqual(['10', '30', '41', '50']);
    expect([...one.mean]).toEqual([NaN, 10, 11, NaN]);
    await stand.close();
  });

  test('a frame that comes again unmarked is counted once', async () => {
    const first = new AgentStandIn('node07');
    const second1 = new AgentStandIn('node07');
    const stand = await CoreStand.open({ folder: ownFolder() });
    await stand.store(first.session, first.frame(second(10), T), first.frame(second(11), T + 1000));
    await stand.store(second1.session, second1.frame(second(10), T), second1.frame(second(11), T + 1000));
    await stand.store(second1.frame(second(12), T + 2000));
    expect(only((await stand.query({ labels: { device: 'nvme0n1' } })).series).exact).toEqual(['10', '11', '12']);
    await stand.close();
  });

  test('a frame whose base is missing is not read on a wrong one', async () => {
    const agent = new AgentStandIn('node07');
    const stand = await CoreStand.open({ folder: ownFolder() });
    await stand.store(agent.session, agent.frame(second(10), T));
    agent.skip(second(20), T + 1000);
    await stand.store(agent.frame(second(21), T + 2000), agent.frame(second(40), T + 3000, { key: true }));
    const one = only((await stand.query({ labels: { device: 'nvme0n1' } })).series);
    expect(one.exact).toEqual(['10', '40']);
    expect([...one.mean]).toEqual([NaN, 10]);
    await stand.close();
  });
});

describe('merged to steps', () => {
  test('mean, least and most; a step ends with its time', async () => {
    const loads = [100, 300, 200, 400, 600];
    const stand = await stored(
      new AgentStandIn('node07'),
      loads.map((load) => second(0, load)),
    );
    const one = only((await stand.query({ metrics: ['load1'], stepMs: 2000 })).series);
    expect([...one.times]).toEqual([T, T + 2000, T + 4000]);
    expect([...one.mean]).toEqual([1, 2.5, 5]);
    expect([...one.min]).toEqual([1, 2, 4]);
    expect([...one.max]).toEqual([1, 3, 6]);
    expect([...one.count]).toEqual([1, 2, 2]);
    expect(one.exact).toBeUndefined();
    await stand.close();
  });

  test('the mean of a gain is what was gained over the time it took', async () => {
    const agent = new AgentStandIn('node07');
    const stand = await CoreStand.open({ folder: ownFolder() });
    const frames = [agent.frame(second(0), T), agent.frame(second(90), T + 3000), agent.frame(second(100), T + 4000)];
    await stand.store(agent.session, ...frames);
    const one = only((await stand.query({ labels: { device: 'nvme0n1' }, stepMs: 4000 })).series);
    expect([...one.times]).toEqual([T, T + 4000]);
    expect([...one.mean]).toEqual([NaN, 25]);
    expect([...one.min]).toEqual([NaN, 10]);
    expect([...one.count]).toEqual([0, 2]);
    await stand.close();
  });
});

describe('which series', () => {
  test('several metrics in one pass, in the order asked for, then by labels', async () => {
    const stand = await CoreStand.open({ folder: ownFolder() });
    for (const node of ['node10', 'node2']) {
      const agent = new AgentStandIn(node);
      await stand.store(agent.session, agent.frame(second(1), T));
    }
    const { series } = await stand.query({ metrics: ['load1', 'disk_read_bytes_total'] });
    expect(series.map(({ metric, labels }) => [metric, ...Object.values(labels)])).toEqual([
      ['load1', 'node2'],
      ['load1', 'node10'],
      ['disk_read_bytes_total', 'node2', 'nvme0n1'],
      ['disk_read_bytes_total', 'node2', 'nvme1n1'],
      ['disk_read_bytes_total', 'node10', 'nvme0n1'],
      ['disk_read_bytes_total', 'node10', 'nvme1n1'],
    ]);
    await stand.close();
  });

  test('more series than allowed are an error, not cut', async () => {
    const stand = await stored(new AgentStandIn('node07'), [second(1)]);
    await expect(stand.query({ maxSeries: 1 })).rejects.toMatchObject({
      name: 'QueryError',
      message: '2 series match, 1 are allowed',
    });
    expect((await stand.query({ maxSeries: 2 })).series).toHaveLength(2);
    await stand.close();
  });

  test('one series over a restart of the agent and another order of its series', async () => {
    const before = new AgentStandIn('node07');
    const after = new AgentStandIn('node07', {
      instance: 'node07-boot2',
      series: [['disk_read_bytes_total', ['nvme0n1']]],
    });
    const stand = await CoreStand.open({ folder: ownFolder() });
    await stand.store(before.session, before.frame(second(7), T));
    await stand.store(after.session, after.frame([3], T + 1000));
    expect(only((await stand.query({ labels: { device: 'nvme0n1' } })).series).exact).toEqual(['7', '3']);
    await stand.close();
  });

  test('gaps of the range, of the node that was asked for', async () => {
    const stand = await CoreStand.open({ folder: ownFolder() });
    const agent = new AgentStandIn('node07');
    const gap = { kind: 'gap', node: 'node07', instance: 'node07-boot1', fromSeq: 2, toSeq: 4 } as const;
    await stand.store(agent.session, agent.frame(second(7), T));
    await stand.store({ ...gap, fromMs: T + 1000, toMs: T + 3000, reason: 'cap' });
    const ask = async (node: string, fromMs: number) => (await stand.query({ labels: { node }, fromMs })).gaps;
    expect(await ask('node07', T)).toMatchObject([{ fromSeq: 2, toSeq: 4, reason: 'cap' }]);
    expect(await ask('node07', T + 3001)).toEqual([]);
    expect(await ask('node08', T)).toEqual([]);
    await stand.close();
  });
});
