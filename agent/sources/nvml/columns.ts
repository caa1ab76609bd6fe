// What one NVML call fills: columns of the catalogue, and their cells as the child prints them.
import type { AbsenceReason } from '#agent/contract';
import type { GpuValueId, MoreLabels } from '../../parse/gpu/sheet.ts';

/** A level in base units, a counter in whole steps (decimal digits where a number is not exact), or why there is none. */
export type Cell = number | string;

export interface Column {
  readonly id: GpuValueId;
  readonly labels: Readonly<Record<string, string>>;
}

/** Some columns that are read together. */
export interface Group {
  readonly columns: readonly Column[];
  /** Writes its cells from `at` on. */
  read(cells: Cell[], at: number): void;
  /** Gives back what the library holds for it. */
  close?(): void;
}

export function column<M extends GpuValueId>(
  id: M,
  ...[labels]: object extends MoreLabels<M> ? [MoreLabels<M>?] : [MoreLabels<M>]
): Column {
  const known: Readonly<Record<string, string>> = { ...labels };
  return { id, labels: known };
}

export function fill(cells: Cell[], at: number, count: number, reason: AbsenceReason): void {
  for (let index = at; index < at + count; index++) cells[index] = reason;
}

/** Percent → ratio. Drivers overshoot a little; far above is no ratio. */
export function ratioOfPercent(percent: number): Cell {
  if (!(percent >= 0) || percent > 200) return 'malformed';
  return percent >= 100 ? 1 : Math.round(percent * 100) / 10_000;
}

/** No board draws 20 kW. */
export function wattsOfMilliwatts(milliwatts: number): Cell {
  return milliwatts < 20_000_000 ? milliwatts / 1000 : 'malformed';
}

export function hertzOfMegahertz(megahertz: number): Cell {
  return megahertz < 20_000 ? megahertz * 1_000_000 : 'malformed';
}

export function celsiusOf(celsius: number): Cell {
  return celsius > -100 && celsius < 300 ? celsius : 'malformed';
}

/** A number that stands for itself; all ones is NVML's "not available". */
export function plain(value: number): Cell {
  return value === 0xffff_ffff ? 'malformed' : value;
}
