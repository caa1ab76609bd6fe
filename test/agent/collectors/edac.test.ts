// The reader of memory errors over made machines.
import { it } from 'vitest';
import { edac } from '../../../agent/collectors/edac.ts';
import { expectFacts, machinesOf } from '../../doubles/facts.ts';

it.each(machinesOf('edac'))('%s', async (machine) => {
  await expectFacts(edac, machine);
});
