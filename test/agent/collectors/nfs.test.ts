// The nfs reader over machines made after the form of its files.
import { it } from 'vitest';
import { nfs } from '../../../agent/collectors/nfs.ts';
import { expectFacts, machinesOf } from '../../doubles/facts.ts';

it.each(machinesOf('nfs'))('%s', async (machine) => {
  await expectFacts(nfs, machine);
});
