// The reader of PCIe errors over made machines.
import { it } from 'vitest';
import { pcie } from '../../../agent/collectors/pcie.ts';
import { expectFacts, machinesOf } from '../../doubles/facts.ts';

it.each(machinesOf('pcie'))('%s', async (machine) => {
  await expectFacts(pcie, machine);
});
