// /proc/loadavg: `0.21 0.37 0.39 1/719 19737`. Documentation/filesystems/proc.rst 1.
import { ParseError } from './parse-error.ts';

export function parseLoadAverage(bytes: Buffer, source: string): readonly [number, number, number] {
  const text = bytes.toString('latin1', 0, 120);
  const match = /^(\d+\.\d+) (\d+\.\d+) (\d+\.\d+)(?:\s|$)/.exec(text);
  if (!match) throw new ParseError(source, text, 'three load averages');
  return [Number(match[1]), Number(match[2]), Number(match[3])];
}
