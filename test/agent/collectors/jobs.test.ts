// The reader of jobs' cgroups over made machines.
import { it } from 'vitest';
import { jobs } from '../../../agent/collectors/jobs.ts';
import { expectFacts, machinesOf } from '../../doubles/facts.ts';

it.each(machinesOf('jobs'))('%s', async (machine) => {
  await expectFacts(jobs, machine);
});
