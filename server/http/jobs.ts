// /api/v1/jobs, /api/v1/jobs/ID, /api/v1/users.
import { Hono } from 'hono';
import {
  API_SCHEMA_VERSION,
  type JobAnswer,
  type JobsAnswer,
  type JobSummary,
  type LeafClass,
  type UsersAnswer,
} from '#server/contract';
import { coverageOf } from '../fleet/summary.ts';
import { attribution, summarizeJobs, summarizePending, summarizeRuns, summarizeUsers } from '../jobs/summary.ts';
import { partsOfKey } from '../ledger/book-key.ts';
import type { HttpContext } from './context.ts';
import { refuse } from './errors.ts';

type Parts = Pick<HttpContext, 'jobs' | 'fleet' | 'ledger' | 'clock'>;

/** Hours of the ledger are files: of a longer job the last month is added up. */
const MOST_MS = 31 * 86_400_000;

export function createJobs({ jobs, fleet, ledger, clock }: Parts): Hono {
  const api = new Hono();
  const head = () => ({ schema_version: API_SCHEMA_VERSION, coverage: coverageOf(fleet, clock.nowMs()) });
  api.get('/jobs', (c) =>
    c.json<JobsAnswer>({
      ...head(),
      attribution: attribution(jobs, fleet, clock.nowMs()),
      jobs: summarizeJobs(jobs, fleet),
      pending: summarizePending(jobs),
      planned: jobs.planned,
    }),
  );
  api.get('/jobs/:id', (c) => {
    const { id } = c.req.param();
    const runs = summarizeRuns(jobs, fleet, id);
    const [newest] = runs;
    if (!newest)
      return refuse(c, { status: 404, code: 'not_found', message: `no job ${id} is known`, hint: 'see /api/v1/jobs' });
    return c.json<JobAnswer>({
      schema_version: API_SCHEMA_VERSION,
      ...newest,
      runs: runs.map(({ start_ms, end_ms, state }) => ({ start_ms, end_ms, state })),
      held_gpu_seconds: heldSeconds(runs, clock.wallMs()),
      gpu_seconds: bookedSeconds(runs, ledger, clock.wallMs()),
    });
  });
  api.get('/users', (c) => c.json<UsersAnswer>({ ...head(), users: summarizeUsers(jobs, fleet) }));
  return api;
}

function heldSeconds(runs: readonly JobSummary[], wallMs: number): number {
  const ms = runs.map(({ start_ms, end_ms, gpus }) => Math.max(0, (end_ms ?? wallMs) - start_ms) * gpus.length);
  return ms.reduce((sum, one) => sum + one, 0) / 1000;
}

function bookedSeconds(
  runs: readonly JobSummary[],
  ledger: Parts['ledger'],
  wallMs: number,
): Partial<Record<LeafClass, number>> {
  const ids = new Set(runs.map(({ id }) => id));
  const toMs = Math.max(...runs.map(({ end_ms }) => end_ms ?? wallMs)) + 1;
  const fromMs = Math.max(toMs - MOST_MS, Math.min(...runs.map(({ start_ms }) => start_ms)));
  const sums: Partial<Record<LeafClass, number>> = {};
  for (const { job, key, ms } of ledger.cells(fromMs, toMs).cells) {
    const { class: leaf } = partsOfKey(key);
    if (ids.has(job)) sums[leaf] = (sums[leaf] ?? 0) + ms / 1000;
  }
  return sums;
}
