// Ticks without drift, lanes, deadlines, failures: what the scheduler makes of collectors that behave in every way.
import { absenceReasons, type AgentMetricId, type AbsenceReason } from '#agent/contract';
import { beforeEach, describe, expect, test } from 'vitest';
import { AreaReader } from '../../agent/area-reader.ts';
import type { Reader, ReadLane, ReadResult } from '../../agent/collectors/collector.ts';
import type { Log } from '../../agent/log.ts';
import { Scheduler } from '../../agent/scheduler.ts';
import { Snapshot, type CounterSeries } from '../../agent/snapshot.ts';
import { ManualClock } from '../doubles/manual-clock.ts';

let clock: ManualClock;
let snapshot: Snapshot;
let said: string[];
let samples: number[];

beforeEach(() => {
  clock = new ManualClock();
  snapshot = new Snapshot();
  said = [];
  samples = [];
});

const log: Log = {
  info: (message) => said.push(`info ${message}`),
  warn: (message, { reason } = {}) =>
    said.push(typeof reason === 'string' ? `warn ${message} ${reason}` : `warn ${message}`),
};

/** A reader whose deeds are written down. */
class ScriptedReader implements Reader {
  readonly deeds: string[] = [];
  readonly series: CounterSeries;
  onRead: (lane: ReadLane) => ReadResult | Promise<ReadResult> = () => 'ok';
  onDiscover: () => void | Promise<void> = () => undefined;
  stopped = false;

  constructor() {
    this.series = snapshot.group().counter('network_receive_bytes_total', { device: 'eth0' });
  }

  discover(): void | Promise<void> {
    this.deeds.push(`${clock.monotonicMs()} discover`);
    return this.onDiscover();
  }

  read(lane: ReadLane): ReadResult | Promise<ReadResult> {
    this.deeds.push(`${clock.monotonicMs()} ${lane}`);
    const result = this.onRead(lane);
    if (lane === 'fast') this.series.set(clock.monotonicMs());
    return result;
  }

  stop(): void {
    this.stopped = true;
  }
}

function start(reader: Reader, intervalMs = 1000): Scheduler {
  const area = new AreaReader({ area: 'network', reader, snapshot, clock, deadlineMs: 3000, log });
  const scheduler = new Scheduler({ clock, intervalMs, readers: [area], onSample: (timeMs) => samples.push(timeMs) });
  scheduler.start();
  return scheduler;
}

function value(id: AgentMetricId): number | AbsenceReason | undefined {
  const series = snapshot.series.find((one) => one.id === id);
  return series && (series.state === 0 ? Number(series.steps) : absenceReasons[series.state - 1]);
}

describe('ticks', () => {
  test('the first reads all lanes, then medium every 5 and slow every 30', async () => {
    const reader = new ScriptedReader();
    start(reader);
    expect(reader.deeds).toEqual(['0 discover', '0 fast', '0 medium', '0 slow']);
    await clock.advance(30_000);
    const of = (lane: string) =>
      reader.deeds.filter((deed) => deed.endsWith(lane)).map((deed) => Number(deed.split(' ')[0]) / 1000);
    expect(of('fast')).toEqual(Array.from({ length: 31 }, (_, index) => index));
    expect(of('medium')).toEqual([0, 5, 10, 15, 20, 25, 30]);
    expect(of('slow')).toEqual([0, 30]);
  });

  test('late timers do not add up', async () => {
    const reader = new ScriptedReader();
    start(reader);
    clock.latenessMs = 7;
    await clock.advance(20_500);
    const fast = reader.deeds.filter((deed) => deed.endsWith('fast'));
    expect(fast.at(-1)).toBe('20007 fast');
    expect(fast).toHaveLength(21);
  });

  test('ticks that were slept through are left out, their lanes are not', async () => {
    const reader = new ScriptedReader();
    start(reader);
    await clock.advance(3000);
    clock.pass(4300);
    reader.deeds.length = 0;
    await clock.advance(1700);
    expect(reader.deeds).toEqual(['7300 fast', '8000 fast', '8000 medium', '9000 fast']);
  });

  test('a sample follows every tick, dated by the monotonic clock', async () => {
    start(new ScriptedReader());
    const first = clock.wallMs();
    clock.setWall(400);
    await clock.advance(2000);
    expect(samples).toEqual([first, first + 1000, first + 2000]);
  });

  test('a clock that was set changes nothing: samples are dated by the time that passed', async () => {
    start(new ScriptedReader());
    const first = clock.wallMs();
    clock.setWall(-3_600_000);
    await clock.advance(1000);
    expect(samples).toEqual([first, first + 1000]);
  });

  test('after the stop nothing is read', async () => {
    const reader = new ScriptedReader();
    const scheduler = start(reader);
    await scheduler.stop();
    reader.deeds.length = 0;
    await clock.advance(5000);
    expect({ deeds: reader.deeds, stopped: reader.stopped }).toEqual({ deeds: [], stopped: true });
  });
});

describe('discovery', () => {
  test('every minute', async () => {
    const reader = new ScriptedReader();
    start(reader);
    await clock.advance(120_000);
    expect(reader.deeds.filter((deed) => deed.endsWith('discover'))).toEqual([
      '0 discover',
      '60000 discover',
      '120000 discover',
    ]);
  });

  test('when a device vanished, at most every 5 s', async () => {
    const reader = new ScriptedReader();
    reader.onRead = () => 'rediscover';
    start(reader);
    await clock.advance(12_000);
    expect(reader.deeds.filter((deed) => deed.endsWith('discover'))).toEqual([
      '0 discover',
      '5000 discover',
      '10000 discover',
    ]);
  });

  test('a failed one is tried again', async () => {
    const reader = new ScriptedReader();
    let failures = 1;
    reader.onDiscover = () => {
      if (failures-- > 0) throw new Error('busy');
    };
    start(reader);
    expect(value('collector_up')).toBe(0);
    await clock.advance(5000);
    expect(reader.deeds.filter((deed) => deed.endsWith('discover'))).toEqual(['0 discover', '5000 discover']);
  });
});

describe('a reader that throws', () => {
  test('is down with its reason said once, its old values vanish, and the next tick goes on', async () => {
    const reader = new ScriptedReader();
    start(reader);
    await clock.advance(1000);
    expect([value('collector_up'), value('network_receive_bytes_total')]).toEqual([1, 1000]);
    reader.onRead = () => {
      throw new Error('nonsense in net/dev');
    };
    await clock.advance(3000);
    expect([value('collector_up'), value('network_receive_bytes_total')]).toEqual([0, 'malformed']);
    expect(said).toEqual(['warn network cannot be read nonsense in net/dev']);
    reader.onRead = () => 'ok';
    await clock.advance(1000);
    expect([value('collector_up'), value('network_receive_bytes_total')]).toEqual([1, 5000]);
    expect(said.at(-1)).toBe('info network can be read again');
    expect(samples).toHaveLength(6);
  });

  test('reads every lane again at the next tick', async () => {
    const reader = new ScriptedReader();
    start(reader);
    reader.onRead = () => {
      throw new Error('gone');
    };
    await clock.advance(1000);
    reader.onRead = () => 'ok';
    reader.deeds.length = 0;
    await clock.advance(1000);
    expect(reader.deeds).toEqual(['2000 fast', '2000 medium', '2000 slow']);
  });

  test('a promise that is rejected is the same', async () => {
    const reader = new ScriptedReader();
    reader.onRead = () => Promise.reject(new Error('refused'));
    start(reader);
    await clock.advance(500);
    expect(value('collector_up')).toBe(0);
    expect(said).toEqual(['warn network cannot be read refused']);
  });
});

describe('a reader that is slow', () => {
  let finish: (result: ReadResult) => void;
  let reader: ScriptedReader;

  beforeEach(() => {
    reader = new ScriptedReader();
    reader.onRead = (lane) =>
      lane === 'fast'
        ? new Promise((resolve) => {
            finish = resolve;
          })
        : 'ok';
  });

  test('is not started a second time; its lanes stay due', async () => {
    start(reader);
    await clock.advance(2000);
    expect(reader.deeds).toEqual(['0 discover', '0 fast']);
    expect(value('collector_overruns_total')).toBe(2);
    expect(samples).toHaveLength(3);
    finish('ok');
    await clock.advance(0);
    expect(reader.deeds).toEqual(['0 discover', '0 fast', '2000 medium', '2000 slow']);
    expect([value('collector_up'), value('collector_seconds')]).toEqual([1, 2_000_000]);
    await clock.advance(1000);
    expect(reader.deeds.at(-1)).toBe('3000 fast');
  });

  test('is given up after the deadline, once, and its values vanish', async () => {
    start(reader);
    await clock.advance(20_000);
    expect(value('collector_timeouts_total')).toBe(1);
    expect([value('collector_up'), value('network_receive_bytes_total')]).toEqual([0, 'timed_out']);
    expect(said).toEqual(['warn network does not answer']);
    finish('ok');
    await clock.advance(1000);
    expect(value('collector_up')).toBe(1);
    expect(said.at(-1)).toBe('info network can be read again');
  });

  test('a single reading does not wait for it longer than the deadline', async () => {
    const area = new AreaReader({ area: 'network', reader, snapshot, clock, deadlineMs: 3000, log });
    const scheduler = new Scheduler({ clock, intervalMs: 1000, readers: [area], onSample: () => undefined });
    let done = false;
    const reading = scheduler.readAll().then(() => {
      done = true;
    });
    await clock.advance(2900);
    expect(done).toBe(false);
    await clock.advance(100);
    await reading;
    expect([value('collector_up'), value('collector_timeouts_total')]).toEqual([0, 1]);
  });
});
