import { expect, test } from 'vitest';
import { leafClasses, type LeafClass } from '#server/contract';
import type { GpuJudgement } from '../../../server/diagnosis/judge.ts';
import { nothingFound, verdictOf } from '../../../server/diagnosis/verdict.ts';
import { NOTHING, Raster } from '../../../server/ledger/raster.ts';

const judged = (leaf: LeafClass): GpuJudgement => ({
  ...{ node: 'n', gpu: '0', uuid: 'u', job: undefined, slotEffective: 1, seen: 1, memoryBound: false, sinceSlot: 0 },
  ...{ ruledOut: [], next: undefined, verdict: verdictOf({ ...nothingFound, class: leaf }, 1) },
});
const number = (leaf: LeafClass): number => leafClasses.indexOf(leaf);

test('gives a byte per slot; what was passed over is nothing', () => {
  const raster = new Raster();
  raster.take(100, [judged('held.idle')]);
  raster.take(103, [judged('out.fault')]);
  const { fromMs, slots, rows } = raster.read(1_000_000, 1_040_000);
  expect([fromMs, slots]).toEqual([1_000_000, 4]);
  expect([...(rows[0]?.classes ?? [])]).toEqual([number('held.idle'), NOTHING, NOTHING, number('out.fault')]);
});

test('forgets after a day', () => {
  const raster = new Raster();
  raster.take(10, [judged('held.idle')]);
  raster.take(10 + 8640, [judged('held.idle')]);
  const { fromMs, slots, rows } = raster.read(0, 1e9);
  expect([fromMs, slots]).toEqual([110_000, 8640]);
  expect(rows[0]?.classes.filter((one) => one !== NOTHING)).toHaveLength(1);
});
