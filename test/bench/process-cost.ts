// What a process costs: proc(5), /proc/PID/stat and status.
import { readFileSync } from 'node:fs';

const TICKS_PER_SECOND = 100;

export interface Cost {
  readonly cpuMs: number;
  readonly residentBytes: number;
}

export function readCost(pid: number): Cost {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  const [user = NaN, system = NaN] = fields.slice(11, 13).map(Number);
  const [, kilobytes] = /^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return { cpuMs: ((user + system) * 1000) / TICKS_PER_SECOND, residentBytes: Number(kilobytes) * 1024 };
}

/** Growth per minute of values read once a second: least squares. */
export function slopePerMinute(values: readonly number[]): number {
  const middle = (values.length - 1) / 2;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  let covariance = 0;
  let variance = 0;
  for (const [second, value] of values.entries()) {
    covariance += (second - middle) * (value - mean);
    variance += (second - middle) ** 2;
  }
  return (60 * covariance) / variance;
}
