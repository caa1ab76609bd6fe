// The mounts reader over recorded and made machines.
import { it } from 'vitest';
import { mounts } from '../../../agent/collectors/mounts.ts';
import { expectFacts, machinesOf } from '../../doubles/facts.ts';

it.each(machinesOf('mounts'))('%s', async (machine) => {
  await expectFacts(mounts, machine);
});
