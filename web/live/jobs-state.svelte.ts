// The jobs as /api/v1/jobs tells them.
import type { JobsAnswer } from '#server/contract';
import { Asked } from './asked.svelte.ts';

export const jobs = new Asked<JobsAnswer>('/api/v1/jobs', 10_000);
