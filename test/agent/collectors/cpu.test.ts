// The cpu reader over recorded and made machines.
import { it } from 'vitest';
import { cpu } from '../../../agent/collectors/cpu.ts';
import { expectFacts, machinesOf } from '../../doubles/facts.ts';

it.each(machinesOf('cpu'))('%s', async (machine) => {
  await expectFacts(cpu, machine);
});
