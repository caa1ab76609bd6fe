// Quantities of nvidia-smi that cannot be: all bits set, below zero, a little too much.
import { expect, it } from 'vitest';
import { inCelsius, inMegahertz, inMiB, inPercent, inWatts } from '../../../../agent/parse/gpu/smi-units.ts';

const malformed = { kind: 'absent', reason: 'malformed' };

it.each<[string, (cell: string) => unknown, unknown]>([
  ['97 %', inPercent, 0.97],
  ['101 %', inPercent, 1],
  ['4294967295 %', inPercent, malformed],
  ['-1 %', inPercent, malformed],
  ['-0.5 W', inWatts, malformed],
  ['4294967.29 W', inWatts, malformed],
  ['17592186044415 MiB', inMiB, malformed],
  ['-40 C', inCelsius, -40],
  ['65535 C', inCelsius, malformed],
  ['4294967295 MHz', inMegahertz, malformed],
])('%s', (cell, read, value) => {
  expect(read(cell)).toEqual(value);
});
