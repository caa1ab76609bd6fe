// Rounds of the service: one after the other, the last good one with its age, a change of state said once.
import { beforeEach, describe, expect, test } from 'vitest';
import type { FabricSweep } from '#agent/contract';
import { FabricSweeper } from '../../../agent/fabric/fabric-sweeper.ts';
import { FabricUnreadable } from '../../../agent/fabric/unreadable.ts';
import type { Log } from '../../../agent/log.ts';
import { ManualClock } from '../../doubles/manual-clock.ts';

const empty: FabricSweep = {
  ...{ subnet: 's', startedMs: 0, endedMs: 0, topologyMs: 0, devices: [], ports: [], silent: [], problems: [] },
};

let clock: ManualClock;
let told: FabricSweep[];
let said: string[];
let reads: number;
let closed: number;
let answer: () => Promise<FabricSweep>;
let service: FabricSweeper;

beforeEach(() => {
  clock = new ManualClock();
  told = [];
  said = [];
  reads = 0;
  closed = 0;
  answer = () => Promise.resolve(empty);
  const log: Log = { info: (message) => said.push(message), warn: (message) => said.push(`warn ${message}`) };
  service = new FabricSweeper({
    ...{ clock, log, intervalMs: 10_000, onSweep: (sweep) => told.push(sweep) },
    sweeper: {
      read: () => {
        reads++;
        return answer();
      },
      close: () => {
        closed++;
      },
    },
  });
});

describe('rounds', () => {
  test('come at the interval, from start to start', async () => {
    answer = () => {
      clock.pass(4000);
      return Promise.resolve(empty);
    };
    service.start();
    await clock.advance(0);
    expect([reads, clock.waiting]).toEqual([1, [6000]]);
    await clock.advance(6000);
    expect([reads, told.length]).toEqual([2, 2]);
  });

  test('that take longer than the interval are not followed at once', async () => {
    answer = () => {
      clock.pass(30_000);
      return Promise.resolve(empty);
    };
    service.start();
    await clock.advance(0);
    expect(clock.waiting).toEqual([1000]);
  });

  test('are never two at once', async () => {
    answer = () => new Promise(() => undefined);
    service.start();
    service.start();
    await clock.advance(600_000);
    expect([reads, told.length, clock.waiting]).toEqual([1, 0, []]);
  });
});

describe('a fabric that cannot be read', () => {
  test('is said once, tried again slowly, and its end is said', async () => {
    answer = () => Promise.reject(new FabricUnreadable('no umad'));
    service.start();
    await clock.advance(0);
    await clock.advance(60_000);
    expect([reads, said]).toEqual([2, ['warn the fabric cannot be read: no umad']]);
    answer = () => Promise.resolve(empty);
    await clock.advance(60_000);
    expect(said).toEqual(['warn the fabric cannot be read: no umad', 'the fabric is read']);
  });

  test('keeps its last good sweep, which is stale and older every second', async () => {
    expect(service.last).toBeUndefined();
    service.start();
    await clock.advance(0);
    expect(service.last).toEqual({ sweep: empty, ageMs: 0, isStale: false });
    answer = () => Promise.reject(new FabricUnreadable('gone'));
    await clock.advance(12_000);
    expect(service.last).toEqual({ sweep: empty, ageMs: 12_000, isStale: true });
    expect(told).toHaveLength(1);
  });
});

describe('stopped', () => {
  test('no round follows, and what still comes is not told', async () => {
    let finish: (sweep: FabricSweep) => void = () => undefined;
    answer = () =>
      new Promise((resolve) => {
        finish = resolve;
      });
    service.start();
    await clock.advance(0);
    service.stop();
    finish(empty);
    await clock.advance(60_000);
    expect([reads, told, closed, clock.waiting]).toEqual([1, [], 1, []]);
  });
});
