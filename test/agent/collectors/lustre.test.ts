// The lustre reader over machines made after the form of its files.
import { it } from 'vitest';
import { lustre } from '../../../agent/collectors/lustre.ts';
import { expectFacts, machinesOf } from '../../doubles/facts.ts';

it.each(machinesOf('lustre'))('%s', async (machine) => {
  await expectFacts(lustre, machine);
});
