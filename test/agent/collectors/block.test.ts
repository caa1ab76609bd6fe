// The block reader over recorded and made machines.
import { it } from 'vitest';
import { block } from '../../../agent/collectors/block.ts';
import { expectFacts, machinesOf } from '../../doubles/facts.ts';

it.each(machinesOf('block'))('%s', async (machine) => {
  await expectFacts(block, machine);
});
