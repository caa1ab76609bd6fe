import { UsageError } from '#agent/contract';
import { expect, test } from 'vitest';
import { checkFaults, takeDemoFlags } from '../../../server/cli/demo-flags.ts';

test('faults and seed go to the simulator, the rest to the server', () => {
  const { own, rest } = takeDemoFlags([
    '--listen',
    ':1',
    '--fault',
    'storage@node07',
    '--fault=cpu@node01,ib@node03',
    '--seed',
    '4',
  ]);
  expect(own.faults).toEqual(['storage@node07', 'cpu@node01', 'ib@node03']);
  expect(own.flags).toEqual(['--fault', 'storage@node07,cpu@node01,ib@node03', '--seed', '4']);
  expect(rest).toEqual(['--listen', ':1']);
});

test('what cannot be is refused before anything starts', () => {
  expect(() => takeDemoFlags(['--fault'])).toThrow(UsageError);
  expect(() => {
    checkFaults(['weather@node01']);
  }).toThrow(UsageError);
});
