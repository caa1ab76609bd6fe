// The network reader over recorded and made machines.
import { it } from 'vitest';
import { network } from '../../../agent/collectors/network.ts';
import { expectFacts, machinesOf } from '../../doubles/facts.ts';

it.each(machinesOf('network'))('%s', async (machine) => {
  await expectFacts(network, machine);
});
