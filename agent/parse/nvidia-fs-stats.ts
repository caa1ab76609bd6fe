// /proc/driver/nvidia-fs/stats, versions 1 to 4: what GPUDirect Storage counts. NVIDIA/gds-nvidia-fs, nvfs-stat.c.
import { absent, type Absence, type Steps } from '#agent/contract';
import { ParseError } from './parse-error.ts';
import { stepsOf, times } from './steps.ts';

export interface NvidiaFsStats {
  /** Whether the driver counts I/O at all; it prints the lines of what it counts only then. */
  readonly accounting: boolean | Absence;
  readonly readBytes: Steps | Absence;
  readonly writtenBytes: Steps | Absence;
  readonly readsNow: Steps | Absence;
  readonly writesNow: Steps | Absence;
  /** MiB. */
  readonly shadowBuffers: Steps | Absence;
}

const MIB = 1_048_576;
const unsupported = absent('unsupported');
const malformed = absent('malformed');

/** A line without its end was cut and counts for nothing. */
export function parseNvidiaFsStats(text: string, source: string): NvidiaFsStats {
  const whole = text.slice(0, text.lastIndexOf('\n') + 1).replaceAll('\r', '');
  if (!/^NVFS statistics ?\(ver: ?[\d.]+\)/m.test(whole)) throw new ParseError(source, text, 'NVFS statistics(ver: N)');
  const accounting = accountingOf(whole);
  const data = (pattern: RegExp): Steps | Absence => {
    if (accounting !== true) return accounting === false ? unsupported : accounting;
    const value = countAt(whole, pattern);
    return typeof value === 'object' ? value : times(value, MIB);
  };
  return {
    accounting,
    readBytes: data(/^Reads\s*:.*\breadMi?B=(\S*)/m),
    writtenBytes: data(/^Writes\s*:.*\bwriteMi?B=(\S*)/m),
    readsNow: countAt(whole, /^Ops\s*:.*\bRead=(\S*)/m),
    writesNow: countAt(whole, /^Ops\s*:.*\bWrite=(\S*)/m),
    shadowBuffers: countAt(whole, /^Active Shadow-Buffer \(Mi?B\): *(\S*)/m),
  };
}

/** Older drivers have no such line and always count: then the bytes themselves say it. */
function accountingOf(text: string): boolean | Absence {
  const told = /^IO stats: (\w+)/m.exec(text)?.[1];
  if (told === 'Enabled' || told === 'Disabled') return told === 'Enabled';
  if (told !== undefined) return malformed;
  return /^Reads\s*:.*\breadMi?B=/m.test(text) ? true : unsupported;
}

function countAt(text: string, pattern: RegExp): Steps | Absence {
  const digits = pattern.exec(text)?.[1];
  if (digits === undefined) return unsupported;
  return stepsOf(digits) ?? malformed;
}
