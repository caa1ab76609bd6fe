// /api/v1/jobs, /api/v1/jobs/ID, /api/v1/users.
import { Hono } from 'hono';
import { API_SCHEMA_VERSION, type JobsAnswer, type JobSummary, type UsersAnswer } from '#server/contract';
import { coverageOf } from '../fleet/summary.ts';
import { attribution, summarizeJobs, summarizeUsers } from '../jobs/summary.ts';
import type { HttpContext } from './context.ts';
import { refuse } from './errors.ts';

export function createJobs({ jobs, fleet, clock }: Pick<HttpContext, 'jobs' | 'fleet' | 'clock'>): Hono {
  const api = new Hono();
  const head = () => ({ schema_version: API_SCHEMA_VERSION, coverage: coverageOf(fleet, clock.nowMs()) });
  api.get('/jobs', (c) =>
    c.json<JobsAnswer>({
      ...head(),
      attribution: attribution(jobs, fleet, clock.nowMs()),
      jobs: summarizeJobs(jobs, fleet),
    }),
  );
  api.get('/jobs/:id', (c) => {
    const { id } = c.req.param();
    const found = summarizeJobs(jobs, fleet).find((job) => job.id === id || job.display_id === id);
    if (found) return c.json<JobSummary & { schema_version: number }>({ schema_version: API_SCHEMA_VERSION, ...found });
    return refuse(c, { status: 404, code: 'not_found', message: `no job ${id} is known`, hint: 'see /api/v1/jobs' });
  });
  api.get('/users', (c) => c.json<UsersAnswer>({ ...head(), users: summarizeUsers(jobs, fleet) }));
  return api;
}
