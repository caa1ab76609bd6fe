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

export const inMiB = (cell: string): Quantity<'bytes'> | Absence =>
  convert(parseQuantity(cell, 'MiB'), (mib) => bytes(mib * MIB));
export const inPercent = (cell: string): Quantity<'ratio'> | Absence =>
  convert(parseQuantity(cell, '%'), (percent) => ratio(percent / 100));
export const inWatts = (cell: string): Quantity<'watts'> | Absence => convert(parseQuantity(cell, 'W'), watts);
export const inCelsius = (cell: string): Quantity<'celsius'> | Absence => convert(parseQuantity(cell, 'C'), celsius);
export const inMegahertz = (cell: string): Quantity<'hertz'> | Absence =>
  convert(parseQuantity(cell, 'MHz'), (megahertz) => hertz(megahertz * 1e6));
export const inKilobytesPerSecond = (cell: string): Quantity<'bytes_per_second'> | Absence =>
  convert(parseQuantity(cell, 'KB/s'), (kilobytes) => bytesPerSecond(kilobytes * 1000));
export const inGigabytesPerSecond = (cell: string): Quantity<'bytes_per_second'> | Absence =>
  convert(parseQuantity(cell, 'GB/s'), (gigabytes) => bytesPerSecond(Math.round(gigabytes * 1e9)));

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

function convert<V extends number>(value: number | Absence, into: (value: number) => V): V | Absence {
  return isAbsent(value) ? value : into(value);
}
