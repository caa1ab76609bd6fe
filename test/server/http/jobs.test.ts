// One job with its runs, its GPUs by time, and where that time went.
import { expect, test } from 'vitest';
import type { JobAnswer, JobsAnswer, UsersAnswer } from '#server/contract';
import { Fleet } from '../../../server/fleet/fleet.ts';
import { createJobs } from '../../../server/http/jobs.ts';
import { JobTable } from '../../../server/jobs/job-table.ts';
import type { SlurmJob, SlurmNode } from '../../../server/jobs/slurm/model.ts';
import { bookKey } from '../../../server/ledger/book-key.ts';
import type { Cell } from '../../../server/ledger/hour-book.ts';
import { Ledger } from '../../../server/ledger/ledger.ts';
import { gpuSeries, SetClock, StandInNode, START_MS } from '../stand-in.ts';

const job: SlurmJob = {
  ...{ id: '7', sluid: '', displayId: '5_2', arrayJobId: '5', name: 'train', user: 'alice', account: 'v' },
  ...{ partition: 'gpu', state: 'RUNNING', reason: '', startMs: START_MS - 100_000, endMs: undefined },
  ...{ timeLimitS: 3600, restarts: 0, nodes: 1, cpus: 8, requestedGpus: 2, gpuType: '' },
  gpus: [{ node: 'n1', places: [0, 1] }],
};
const waiting: SlurmJob = { ...job, id: '9', displayId: '9', state: 'PENDING', reason: 'Resources', gpus: [] };
const node: SlurmNode = { name: 'n1', host: 'n1', state: 'MIXED+DRAIN', reason: 'fan', gres: '', partitions: ['gpu'] };

function apiOf() {
  const clock = new SetClock();
  const fleet = new Fleet(new Ledger());
  const series = [0, 1, 2].flatMap((gpu) =>
    gpuSeries({ gpu: String(gpu), uuid: `GPU-${gpu}`, busy: 90, processes: 1 }),
  );
  new StandInNode('n1', { clock, fleet }).sample(series);
  const jobs = new JobTable(fleet, { wallMs: clock.ms });
  const take = (listed: readonly SlurmJob[]): void => {
    jobs.take({ jobs: listed, nodes: [node], answeredMs: clock.ms, problem: undefined }, clock.ms);
  };
  const spans: (readonly [number, number])[] = [];
  const cell = { node: 'n1', gpu: '0', uuid: 'GPU-0', user: 'alice', account: 'v', partition: 'gpu' };
  const cells: readonly Cell[] = [
    { ...cell, job: '7', key: bookKey('productive.compute', 'user'), ms: 120_000 },
    { ...cell, job: '7', key: bookKey('starved.cpu', 'user'), ms: 30_000 },
    { ...cell, job: '8', key: bookKey('starved.cpu', 'user'), ms: 999_000 },
  ];
  const ledger = {
    cells: (fromMs: number, toMs: number) => {
      spans.push([fromMs, toMs]);
      return { fromMs, toMs, cells };
    },
  };
  return { api: createJobs({ jobs, fleet, ledger, clock }), take, clock, spans };
}

async function ask<T>(api: ReturnType<typeof apiOf>['api'], path: string): Promise<T> {
  const answer = await api.request(path);
  return (await answer.json()) as T; // as the route is typed
}

test('a job by both of its names, over two runs', async () => {
  const { api, take, clock, spans } = apiOf();
  take([job, waiting]);
  clock.ms += 20_000;
  take([{ ...job, startMs: START_MS + 10_000, restarts: 1 }, waiting]);
  const found = await ask<JobAnswer>(api, '/jobs/5_2');
  expect(found).toMatchObject({
    ...{ id: '7', display_id: '5_2', array_job_id: '5', restarts: 1, requested_gpus: 2, time_limit_seconds: 3600 },
    runs: [
      { start_ms: START_MS + 10_000, end_ms: null, state: 'RUNNING' },
      { start_ms: START_MS - 100_000, end_ms: START_MS + 10_000, state: 'REQUEUED' },
    ],
    // 2 GPUs for 110 s, then for 10 s.
    held_gpu_seconds: 240,
    gpu_seconds: { 'productive.compute': 120, 'starved.cpu': 30 },
  });
  expect(spans).toEqual([[START_MS - 100_000, START_MS + 20_001]]);
  expect(await ask<JobAnswer>(api, '/jobs/7')).toEqual(found);
  expect((await api.request('/jobs/4711')).status).toBe(404);
});

test('who waits, which nodes are out, how much is known, and users', async () => {
  const { api, take } = apiOf();
  expect((await ask<JobsAnswer>(api, '/jobs')).attribution.text).toBe('0 % attributed, 3 GPUs: no scheduler data');
  take([job, waiting]);
  const { attribution, pending, planned } = await ask<JobsAnswer>(api, '/jobs');
  expect(attribution).toMatchObject({ gpus: 3, attributed: 3, problem: null, reasons: [] });
  expect(pending).toMatchObject([{ id: '9', requested_gpus: 2, reason: 'Resources' }]);
  expect(planned).toEqual([{ node: 'n1', state: 'MIXED+DRAIN', reason: 'fan' }]);
  expect((await ask<UsersAnswer>(api, '/users')).users).toMatchObject([{ user: 'alice', jobs: 1, gpus: 2 }]);
});
