// The sentence over a node's GPUs counts and leads with what needs somebody.
import { expect, it } from 'vitest';
import type { LeafClass } from '#server/contract';
import { verdictOf } from '../../../web/pages/node-verdict.ts';

const gpus = (counts: Partial<Record<LeafClass, number>>) =>
  Object.entries(counts).flatMap(([leaf, count]) =>
    Array.from({ length: count }, () => ({ class: leaf as LeafClass })),
  ); // keys of the record

it.each([
  [{ 'productive.compute': 8 }, 'All 8 GPUs are productive.', ''],
  [{ 'held.idle': 1 }, 'The only GPU is held idle.', ''],
  [{ 'productive.compute': 3, 'starved.unknown': 5 }, '5 of 8 GPUs are starved, cause unknown.', '3 are productive.'],
  [
    { 'free.no_demand': 4, 'held.idle': 2, 'comm.ib': 2 },
    '2 of 8 GPUs wait for InfiniBand.',
    '2 are held idle, 4 are free.',
  ],
  [{ 'comm.ib': 1, 'productive.compute': 1 }, '1 of 2 GPUs waits for InfiniBand.', '1 is productive.'],
] as const)('%j', (counts, headline, rest) => {
  expect(verdictOf(gpus(counts))).toMatchObject({ headline, rest });
});

it('says nothing where there is no GPU', () => {
  expect(verdictOf([])).toBeUndefined();
});
