// The reader of temperatures and fans over made machines.
import { it } from 'vitest';
import { hwmon } from '../../../agent/collectors/hwmon.ts';
import { expectFacts, machinesOf } from '../../doubles/facts.ts';

it.each(machinesOf('hwmon'))('%s', async (machine) => {
  await expectFacts(hwmon, machine);
});
