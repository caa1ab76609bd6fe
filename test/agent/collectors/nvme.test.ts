// The nvme reader over recorded and made machines.
import { it } from 'vitest';
import { nvme } from '../../../agent/collectors/nvme.ts';
import { expectFacts, machinesOf } from '../../doubles/facts.ts';

it.each(machinesOf('nvme'))('%s', async (machine) => {
  await expectFacts(nvme, machine);
});
