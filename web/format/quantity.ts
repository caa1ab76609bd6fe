// Numbers for people: three figures, the unit near. What is no number is `null`, and the caller says why.
import type { Unit } from '#agent/contract';

const METRIC = ['', 'k', 'M', 'G', 'T', 'P', 'E'] as const;
const BINARY = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi'] as const;

export interface Shown {
  readonly figure: string;
  readonly unit: string;
}

/** A value of a unit as figure and unit, for example 3.21 and GB/s; null where there is no value. */
export function showQuantity(value: number | null, unit: Unit): Shown | null {
  if (value === null || !Number.isFinite(value)) return null;
  switch (unit) {
    case 'bytes':
      return scaled(value, 1024, BINARY, 'B');
    case 'bytes_per_second':
      return scaled(value, 1000, METRIC, 'B/s');
    case 'hertz':
      return scaled(value, 1000, METRIC, 'Hz');
    case 'ratio':
      return { figure: figureOf(value * 100), unit: '%' };
    case 'seconds':
      return secondsOf(value);
    case 'celsius':
      return { figure: value.toFixed(0), unit: '°C' };
    case 'watts':
      return { figure: value.toFixed(0), unit: 'W' };
    case 'joules':
      return scaled(value, 1000, METRIC, 'J');
    case 'rpm':
      return { figure: value.toFixed(0), unit: 'rpm' };
    case 'timestamp_seconds':
    case 'boolean':
    case 'count':
    case 'none':
      return { figure: figureOf(value), unit: '' };
  }
}

export function showText(value: number | null, unit: Unit): string | null {
  const shown = showQuantity(value, unit);
  return shown && (shown.unit === '' ? shown.figure : `${shown.figure} ${shown.unit}`);
}

/** Capacity of drives, in the decimal units they are sold in. */
export function showCapacity(bytes: number | null): string | null {
  if (bytes === null || !Number.isFinite(bytes)) return null;
  const { figure, unit } = scaled(bytes, 1000, METRIC, 'B');
  return `${figure} ${unit}`;
}

/** Three significant figures below 1000, thousands parted above. */
export function figureOf(value: number): string {
  const size = Math.abs(value);
  if (size >= 1000) return Math.round(value).toLocaleString('en-US');
  if (size >= 100 || value === 0) return value.toFixed(0);
  if (size >= 10) return trim(value.toFixed(1));
  // Too little to show is not nothing.
  if (size < 0.005) return value > 0 ? '<0.01' : '>−0.01';
  return trim(value.toFixed(2));
}

/** `1 drive`, `8 drives`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

function trim(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

function scaled(value: number, base: number, prefixes: readonly string[], unit: string): Shown {
  let rest = value;
  let step = 0;
  while (Math.abs(rest) >= base && step < prefixes.length - 1) {
    rest /= base;
    step++;
  }
  return { figure: figureOf(rest), unit: `${prefixes[step] ?? ''}${unit}` };
}

function secondsOf(value: number): Shown {
  const size = Math.abs(value);
  if (size >= 1) return { figure: figureOf(value), unit: 's' };
  if (size >= 0.001 || value === 0) return { figure: figureOf(value * 1000), unit: 'ms' };
  return { figure: figureOf(value * 1_000_000), unit: 'µs' };
}
