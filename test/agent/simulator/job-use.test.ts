// What jobs use besides GPUs: consistent with what holds them back.
import { describe, expect, test } from 'vitest';
import { draftDiskReader } from '../../../agent/simulator/jobs.ts';
import { JobUse, ProcessUse, workersOf, workerSharesOf } from '../../../agent/simulator/job-use.ts';
import type { Pace } from '../../../agent/simulator/pace.ts';

const job = draftDiskReader(1, 8);
const needs = { ...job.needs, dataset: 'shared' as const, loaderCores: 4, workers: 8, readBytesPerS: 100e6 };

function paceOf(change: Partial<Pace>): Pace {
  const running = { ...job, needs, startS: 0, endS: 1e6, places: [{ node: 0, gpus: [0, 1] }] };
  return { job: running, phase: 'run', speed: 1, limit: 'none', progress: 1, fabric: 1, ...change };
}

describe('workers of a loader', () => {
  test('that keeps up: half of the time at work, the rest nothing to do', () => {
    const { running, waiting, blocked } = workerSharesOf(paceOf({}));
    expect(running).toBe(0.5); // four cores of work for eight workers
    expect(waiting).toBe(0);
    expect(blocked).toBeLessThan(0.01);
  });

  test('that waits for storage: blocked nearly all the time it does not work', () => {
    const { running, blocked } = workerSharesOf(paceOf({ speed: 0.25, limit: 'shared_storage' }));
    expect(running).toBe(0.125);
    expect(blocked).toBeCloseTo(((8 - 1) * 0.985) / 8);
  });

  test('that has too few CPUs: ready the rest of the time', () => {
    const { running, waiting } = workerSharesOf(paceOf({ speed: 0.5, limit: 'cpu' }));
    expect(running).toBe(0.25);
    expect(waiting).toBeCloseTo(0.75 * 0.97, 2);
  });

  test('between two steps of a job’s life nothing', () => {
    expect(workerSharesOf(paceOf({ phase: 'checkpoint' }))).toEqual({ running: 0, waiting: 0, blocked: 0 });
    expect(workersOf(paceOf({ job: { ...paceOf({}).job, needs: { ...needs, loaderCores: 0 } } }))).toBe(0);
  });
});

test('CPU time of tasks is what their shares say, and grows', () => {
  const pace = paceOf({});
  const use = new ProcessUse(pace, 4711, 0);
  for (let timeS = 1; timeS <= 1000; timeS++) use.add(pace, { timeS, seconds: 1 });
  const [main, ...workers] = use.tasks;
  expect(main?.cpuS).toBeGreaterThan(0.6 * 1000);
  expect(main?.cpuS).toBeLessThan(0.7 * 1000);
  expect(workers).toHaveLength(6); // of eight
  for (const { cpuS, waitS } of workers) {
    expect(cpuS).toBeGreaterThan(0.48 * 1000);
    expect(cpuS).toBeLessThan(0.52 * 1000);
    expect(waitS).toBe(0);
  }
});

test('a state holds for a second: of the time that a task does not run it is blocked as often as its share says', () => {
  const pace = paceOf({ speed: 0.25, limit: 'shared_storage' });
  const use = new ProcessUse(pace, 4711, 0);
  let blocked = 0;
  for (let timeS = 1; timeS <= 500; timeS++) {
    use.add(pace, { timeS, seconds: 1 });
    blocked += use.tasks.filter(({ state }) => state === 'D').length;
  }
  expect(blocked / (500 * 6)).toBeGreaterThan(0.97);
  expect(blocked / (500 * 6)).toBeLessThan(1);
});

test('a job’s cgroup adds up its GPUs', () => {
  const work = { pace: paceOf({}), gpus: [0, 1] };
  const use = new JobUse(work, 0);
  use.add(work, 10);
  // Two GPUs with four cores of loading and 0.65 of a main thread each.
  expect(use.cpuS).toBeCloseTo(10 * 2 * 4.65);
  expect(use.readBytes).toBe(0); // from shared storage, which is no block device
  const local = {
    pace: paceOf({ job: { ...work.pace.job, needs: { ...needs, dataset: 'local' as const } } }),
    gpus: [0, 1],
  };
  const reading = new JobUse(local, 0);
  reading.add(local, 10);
  expect(reading.readBytes).toBe(10 * 2 * 100e6);
  const starved = new JobUse({ pace: paceOf({ speed: 0.5, limit: 'cpu' }), gpus: [0] }, 100);
  expect(starved.pressureS.cpu).toBeCloseTo(65);
});
