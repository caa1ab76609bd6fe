// GPUs over changes of a node's schema: what vanishes, returns, is swapped or renumbered keeps an exact account.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Fleet } from '../../../server/fleet/fleet.ts';
import { Ledger } from '../../../server/ledger/ledger.ts';
import { gpuSeries, SetClock, StandInNode, START_MS, type StandInSeries } from '../stand-in.ts';

const busy = (gpu: string, uuid = `GPU-${gpu}`): StandInSeries[] => gpuSeries({ gpu, uuid, busy: 100, processes: 1 });
const shown = (one: StandInNode): string[] =>
  one.fleet.gpus.map(({ gpu, uuid, account }) => `${gpu} ${uuid} ${account.class}`);

describe('a GPU', () => {
  test('that vanishes stays, unobserved after 30 s, and goes on when it returns', () => {
    const one = new StandInNode('n');
    one.samples(40, [...busy('0'), ...busy('1')]);
    one.samples(40, busy('0'));
    expect(shown(one)).toEqual(['0 GPU-0 productive.compute', '1 GPU-1 unobserved']);
    one.samples(60, [...busy('0'), ...busy('1')]);
    expect(shown(one)).toEqual(['0 GPU-0 productive.compute', '1 GPU-1 productive.compute']);
    const [, returned] = one.fleet.gpus;
    expect(Object.fromEntries(returned?.account.booked ?? [])).toEqual({
      'productive.compute': 60_000,
      unobserved: 40_000,
    });
  });

  test('of another UUID in its place ends its account and opens another', () => {
    const one = new StandInNode('n');
    one.samples(25, busy('0', 'GPU-old'));
    const [old] = one.fleet.gpus;
    one.samples(60, busy('0', 'GPU-new'));
    expect(shown(one)).toEqual(['0 GPU-new productive.compute']);
    expect(old?.account.bookedUntilMs).toBe(START_MS + 25_000);
  });

  test('that is lost while the others move up is not forgotten', () => {
    const one = new StandInNode('n');
    one.samples(10, [...busy('0', 'A'), ...busy('1', 'B'), ...busy('2', 'C')]);
    one.samples(40, [...busy('0', 'A'), ...busy('1', 'C')]);
    expect(shown(one)).toEqual(['0 A productive.compute', '1 B unobserved', '1 C productive.compute']);
  });

  test('with the UUID of one on another node is another GPU', () => {
    const clock = new SetClock();
    const fleet = new Fleet(new Ledger());
    const a = new StandInNode('a', { clock, fleet });
    const b = new StandInNode('b', { clock, fleet });
    a.sample(busy('0', 'twin'));
    b.sample(busy('0', 'twin'));
    expect(fleet.gpus.map(({ node, uuid }) => [node.name, uuid])).toEqual([
      ['a', 'twin'],
      ['b', 'twin'],
    ]);
  });
});

test('the directory is in natural order and its generation grows with every change', () => {
  const clock = new SetClock();
  const fleet = new Fleet(new Ledger());
  const [ten, two] = ['node10', 'node2'].map((name) => new StandInNode(name, { clock, fleet }));
  ten?.sample([...busy('10'), ...busy('9')]);
  const before = fleet.generation;
  ten?.sample([...busy('10'), ...busy('9')]);
  expect(fleet.generation).toBe(before);
  two?.sample(busy('0'));
  expect(fleet.generation).toBeGreaterThan(before);
  expect(fleet.directory.nodes.map(({ name, gpus }) => [name, gpus.map(({ gpu }) => gpu)])).toEqual([
    ['node2', ['0']],
    ['node10', ['9', '10']],
  ]);
});

test('whatever comes and goes, the booked time of the fleet is the time each GPU was there', () => {
  const gpus = fc.uniqueArray(fc.tuple(fc.constantFrom('0', '1', '2'), fc.constantFrom('A', 'B', 'C')), {
    selector: ([gpu, uuid]) => gpu + uuid,
    maxLength: 4,
  });
  const step = fc.record({ gpus, seconds: fc.integer({ min: 1, max: 70 }), silence: fc.integer({ min: 0, max: 50 }) });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 8 }), (steps) => {
      const one = new StandInNode('n');
      const seen = new Map<object, { account: { firstSeenMs: number; bookedUntilMs: number } }>();
      for (const { gpus: list, seconds, silence } of steps) {
        one.samples(
          seconds,
          list.flatMap(([gpu, uuid]) => busy(gpu, uuid)),
        );
        for (const gpu of one.fleet.gpus) seen.set(gpu, gpu);
        one.silence(silence);
      }
      const present = [...seen.values()].reduce(
        (sum, { account }) => sum + account.bookedUntilMs - account.firstSeenMs,
        0,
      );
      expect([...one.fleet.booked.values()].reduce((sum, ms) => sum + ms, 0)).toBe(present);
    }),
    { numRuns: 40 },
  );
});
