// The pressure reader over recorded and made machines.
import { it } from 'vitest';
import { pressure } from '../../../agent/collectors/pressure.ts';
import { expectFacts, machinesOf } from '../../doubles/facts.ts';

it.each(machinesOf('pressure'))('%s', async (machine) => {
  await expectFacts(pressure, machine);
});
