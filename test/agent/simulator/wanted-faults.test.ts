import { describe, expect, test } from 'vitest';
import { sherlock } from '../../../agent/simulator/hardware.ts';
import { noFaults, withLost } from '../../../agent/simulator/faults.ts';
import { FaultWordError, parseWantedFaults } from '../../../agent/simulator/wanted-faults.ts';
import { SimulatedWorkload } from '../../../agent/simulator/workload.ts';

const nowS = 1_700_000_000;
const clusterOf = (...words: string[]): SimulatedWorkload => {
  const wanted = parseWantedFaults(words, 16);
  const nodes = sherlock({ seed: 1, nowS, wanted });
  return new SimulatedWorkload(1, nodes, withLost(noFaults, wanted), wanted);
};

describe('what a rehearsal asks for happens', () => {
  test('a slow drive, with a job that reads from it', () => {
    const { nodes, queue } = clusterOf('storage@node03');
    expect(nodes[2]?.drives.map(({ health }) => health < 1)).toEqual(Array.from({ length: 8 }, (_, at) => at === 2));
    expect([...queue.running].filter(({ places }) => places.some(({ node }) => node === 2))).toHaveLength(1);
    expect(clusterOf('storage@node03/nvme5').nodes[2]?.drives[5]?.health).toBeLessThan(1);
  });

  test.each([
    ['cpu@node01', 'cpu_bound'],
    ['cpu.too_few_workers@node01', 'too_few_workers'],
    ['storage.network@node01', 'storage_bound'],
    ['held.no_process@node01', 'empty'],
    ['held@node01', 'notebook'],
  ])('%s: a job of the kind on the whole node', (word, kind) => {
    const [job] = [...clusterOf(word).queue.running].filter(({ places }) => places.some(({ node }) => node === 0));
    expect([job?.kind, job?.places[0]?.gpus.length]).toEqual([kind, 8]);
  });

  test('a job of two nodes that waits for InfiniBand', () => {
    const [job] = [...clusterOf('ib@node09').queue.running].filter(({ kind }) => kind === 'communication_bound');
    expect(job?.places.map(({ node, gpus }) => [node, gpus.length])).toEqual([
      [8, 16],
      [9, 16],
    ]);
  });

  test('clocks that are locked low, and a GPU that is lost', () => {
    const cluster = clusterOf('clocks_locked@node03/gpu5', 'fault@node05/gpu1');
    for (let second = 0; second < 90; second++) cluster.advance(1);
    const gpus = cluster.states[2]?.gpus ?? [];
    const model = cluster.nodes[2]?.platform.gpu;
    expect(gpus[5]?.clockMHz).toBeCloseTo((model?.maxClockMHz ?? 0) * 0.6, -1);
    expect(gpus[4]?.clockMHz).toBeGreaterThan((model?.maxClockMHz ?? 0) * 0.8);
    expect(cluster.states[4]?.gpus.map(({ lost }) => lost).indexOf(true)).toBe(1);
  });
});

test.each([
  ['weather@node01', /no fault weather; there are: storage, cpu/],
  ['storage', /is not KIND@TARGET/],
  ['storage@node17', /node01 to node16/],
  ['storage@rack1', /is no target/],
  ['thermal@node01/gpu8', /GPUs 0 to 7/],
])('%s is refused', (word, message) => {
  expect(() => parseWantedFaults([word], 16)).toThrow(FaultWordError);
  expect(() => parseWantedFaults([word], 16)).toThrow(message);
});

test('a node has one job', () => {
  expect(() => parseWantedFaults(['cpu@node01', 'held@node01'], 16)).toThrow(/one fault of a job/);
});
