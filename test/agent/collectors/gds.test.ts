// The gds reader over machines made after the form of its files.
import { it } from 'vitest';
import { gds } from '../../../agent/collectors/gds.ts';
import { expectFacts, machinesOf } from '../../doubles/facts.ts';

it.each(machinesOf('gds'))('%s', async (machine) => {
  await expectFacts(gds, machine);
});
