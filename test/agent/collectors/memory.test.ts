// The memory reader over recorded and made machines.
import { it } from 'vitest';
import { memory } from '../../../agent/collectors/memory.ts';
import { expectFacts, machinesOf } from '../../doubles/facts.ts';

it.each(machinesOf('memory'))('%s', async (machine) => {
  await expectFacts(memory, machine);
});
