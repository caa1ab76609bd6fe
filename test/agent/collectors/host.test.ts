// The host reader over recorded and made machines.
import { it } from 'vitest';
import { host } from '../../../agent/collectors/host.ts';
import { expectFacts, machinesOf } from '../../doubles/facts.ts';

it.each(machinesOf('host'))('%s', async (machine) => {
  await expectFacts(host, machine);
});
