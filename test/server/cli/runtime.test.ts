// The Node.js that runs the command line.
import { expect, test } from 'vitest';
import { isTooOld } from '../../../server/cli/runtime.ts';

test.each([
  ['18.20.8', true],
  ['20.20.2', true],
  ['22.11.0', true],
  ['24.0.0', false],
  ['26.1.0', false],
])('%s is too old: %s', (version, isOld) => {
  expect(isTooOld(version)).toBe(isOld);
});
