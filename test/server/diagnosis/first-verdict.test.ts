// The first verdict as a table: the situation, its answer, and the neighbour it must not be taken for.
import { describe, expect, test } from 'vitest';
import {
  holdsProcess,
  judgeSlot,
  leadingClass,
  shareOut,
  type SlotReadings,
} from '../../../server/diagnosis/first-verdict.ts';

const MiB = 1024 * 1024;
const slot = (busy: number, over: Partial<SlotReadings> = {}): SlotReadings => ({
  count: 10,
  faults: 0,
  busySum: busy * 10,
  withProcess: true,
  withoutProcess: false,
  ...over,
});
const minute = (busy: number) => ({ count: 60, busySum: busy * 60 });
const empty = { withProcess: false, withoutProcess: true };
const unsaid = { withProcess: false, withoutProcess: false };

describe('a slot', () => {
  test.each([
    ['no process and nothing computed: free', slot(0, empty), minute(0.5), 'free.no_demand'],
    ['a process and an idle minute: held idle', slot(0), minute(0.019), 'held.idle'],
    [
      'a process that ended in an idle slot: held idle still',
      slot(0, { withoutProcess: true }),
      minute(0),
      'held.idle',
    ],
  ])('%s', (_name, readings, sixty, leaf) => {
    expect(judgeSlot(readings, sixty)).toEqual({ kind: 'whole', class: leaf });
  });

  test.each([
    ['a process and 2 % over the minute is used, not held idle', slot(0.02), minute(0.02), 0.02],
    ['an idle slot in a busy minute is starved, not held idle', slot(0), minute(0.4), 0],
    ['work without a visible process is split, not free', slot(0.9, empty), minute(0.9), 0.9],
    ['nobody can say whether a process is there: never free, never held', slot(0, unsaid), minute(0), 0],
  ])('%s', (_name, readings, sixty, productive) => {
    expect(judgeSlot(readings, sixty)).toEqual({ kind: 'split', productive });
  });
});

describe('a process holds the GPU', () => {
  const reading = (processes: number, memoryUsedBytes: number) => holdsProcess({ processes, memoryUsedBytes });
  test.each([
    ['counted processes decide', 0, 30e9, false],
    ['one process, little memory', 1, 0, true],
    ['unknown, 64 MiB used: the driver alone', NaN, 64 * MiB, false],
    ['unknown, more than 64 MiB used', NaN, 64 * MiB + 1, true],
    ['nothing known', NaN, NaN, undefined],
  ])('%s', (_name, processes, memory, held) => {
    expect(reading(processes, memory)).toBe(held);
  });
});

test('the class shown is the larger share, productive at a tie', () => {
  expect(leadingClass({ kind: 'split', productive: 0.5 })).toBe('productive.compute');
  expect(leadingClass({ kind: 'split', productive: 0.499 })).toBe('starved.unknown');
  expect(leadingClass({ kind: 'whole', class: 'held.idle' })).toBe('held.idle');
});

describe('a fault', () => {
  test('alone is the whole slot, beside usage its share of the readings', () => {
    expect(judgeSlot(slot(0, { count: 0, faults: 3 }), minute(0))).toEqual({ kind: 'whole', class: 'out.fault' });
    expect(judgeSlot(slot(0.6, { faults: 30 }), minute(0.6))).toEqual({
      kind: 'faulty',
      fault: 0.75,
      rest: { kind: 'split', productive: 0.6 },
    });
  });

  test('shares its slot in whole milliseconds', () => {
    const rest = { kind: 'split', productive: 0.5 } as const;
    expect(shareOut({ kind: 'faulty', fault: 1 / 3, rest }, 10_000)).toEqual([
      ['out.fault', 3333],
      ['productive.compute', 3334],
      ['starved.unknown', 3333],
    ]);
  });

  test('leads from half of the slot', () => {
    const rest = { kind: 'whole', class: 'held.idle' } as const;
    expect(leadingClass({ kind: 'faulty', fault: 0.5, rest })).toBe('out.fault');
    expect(leadingClass({ kind: 'faulty', fault: 0.49, rest })).toBe('held.idle');
  });
});

test('shares are whole milliseconds', () => {
  expect(shareOut({ kind: 'split', productive: 1 / 3 }, 10_000)).toEqual([
    ['productive.compute', 3333],
    ['starved.unknown', 6667],
  ]);
});
