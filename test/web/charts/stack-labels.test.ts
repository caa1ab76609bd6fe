// Names beside stacked areas: beside their middle, never over each other.
import { expect, test } from 'vitest';
import { placeLabels } from '../../../web/charts/stack-labels.ts';

test('a label stands beside the middle of its area, and an empty one has none', () => {
  const labels = placeLabels(
    [
      { title: 'held', count: 20 },
      { title: 'storage', count: 0 },
      { title: 'unknown', count: 20 },
    ],
    80,
  );
  expect(labels).toEqual([
    { title: 'held', count: 20, top: 0.875 },
    { title: 'unknown', count: 20, top: 0.625 },
  ]);
});

test('thin areas do not lay their labels over each other, nor over the edge', () => {
  const tops = placeLabels(
    ['a', 'b', 'c', 'd', 'e'].map((title) => ({ title, count: 1 })),
    5,
  ).map(({ top }) => top);
  const crowded = placeLabels(
    [{ title: 'much', count: 95 }, ...['a', 'b', 'c'].map((title) => ({ title, count: 1 }))],
    100,
  ).map(({ top }) => top);
  for (const list of [tops, crowded]) {
    expect(Math.min(...list)).toBeGreaterThanOrEqual(0);
    for (const [at, top] of list.entries()) expect((list[at - 1] ?? 2) - top).toBeGreaterThanOrEqual(0.1099);
  }
});
