// Texts of nvidia-smi in base units, by the unit they are printed in.
import {
  absent,
  bytes,
  bytesPerSecond,
  celsius,
  hertz,
  isAbsent,
  ratio,
  watts,
  type Absence,
  type Quantity,
} from '#agent/contract';
import type { Steps } from '#agent/contract';
import { absenceOfCell, parseQuantity, parseWord } from '../nvidia-smi-value.ts';

const MIB = 1024 * 1024;
/** Drivers overshoot a little. */
const MOST_PERCENT = 200;

export const inMiB = (cell: string): Quantity<'bytes'> | Absence =>
  within(parseQuantity(cell, 'MiB'), 0, 2 ** 30, (mib) => bytes(mib * MIB));
export const inPercent = (cell: string): Quantity<'ratio'> | Absence =>
  within(parseQuantity(cell, '%'), 0, MOST_PERCENT, (percent) => ratio(Math.min(percent, 100) / 100));
export const inWatts = (cell: string): Quantity<'watts'> | Absence =>
  within(parseQuantity(cell, 'W'), 0, 20_000, watts);
export const inCelsius = (cell: string): Quantity<'celsius'> | Absence =>
  within(parseQuantity(cell, 'C'), -300, 300, celsius);
export const inMegahertz = (cell: string): Quantity<'hertz'> | Absence =>
  within(parseQuantity(cell, 'MHz'), 0, 20_000, (megahertz) => hertz(megahertz * 1e6));
export const inKilobytesPerSecond = (cell: string): Quantity<'bytes_per_second'> | Absence =>
  within(parseQuantity(cell, 'KB/s'), 0, 1e12, (kilobytes) => bytesPerSecond(kilobytes * 1000));
export const inGigabytesPerSecond = (cell: string): Quantity<'bytes_per_second'> | Absence =>
  within(parseQuantity(cell, 'GB/s'), 0, 1e6, (gigabytes) => bytesPerSecond(Math.round(gigabytes * 1e9)));

export const inLanes = (cell: string): number | Absence => parseQuantity(cell, 'x');
export const inBanks = (cell: string): number | Absence => parseQuantity(cell, 'bank(s)');
export const plainNumber = (cell: string): number | Absence => parseQuantity(cell, '');
export const performanceState = (cell: string): number | Absence => parseQuantity(cell.replace(/^P(?=\d)/, ''), '');
export const yesOrNo = (cell: string): number | Absence => parseWord(cell, ['No', 'Yes']);
export const switched = (cell: string): number | Absence => parseWord(cell, ['Disabled', 'Enabled']);
/** nvmlComputeMode. */
export const computeMode = (cell: string): number | Absence =>
  parseWord(cell, ['Default', 'Exclusive_Thread', 'Prohibited', 'Exclusive_Process']);

/** A count in whole steps of its row, exact beyond 2^53. */
export function countIn(cell: string, unit: string, stepsPerUnit: number): Steps | Absence {
  const word = absenceOfCell(cell);
  if (word) return word;
  const match = /^(\d{1,20})(?: ?([^\s\d]\S*))?$/.exec(cell);
  if (!match?.[1] || (match[2] ?? '') !== unit) return absent('malformed');
  const steps = Number(match[1]) * stepsPerUnit;
  return Number.isSafeInteger(steps) ? steps : BigInt(match[1]) * BigInt(stepsPerUnit);
}

/** Beyond what there can be stand counts that ran below zero and ones in all bits. */
function within<V extends number>(
  value: number | Absence,
  least: number,
  most: number,
  into: (value: number) => V,
): V | Absence {
  if (isAbsent(value)) return value;
  return value >= least && value <= most ? into(value) : absent('malformed');
}
