// Whether a process still lives and what it costs, from /proc/PID (proc(5)): its start time tells it from a later one with the same number.
import { readFileSync } from 'node:fs';

export interface ProcessIdentity {
  readonly pid: number;
  readonly startTime: string;
}

/** undefined if there is no such process. */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  const stat = readProcessStat(pid);
  return stat && { pid, startTime: stat.startTime };
}

/** A zombie has ended: it only waits for us to be told. */
export function isAlive({ pid, startTime }: ProcessIdentity): boolean {
  const stat = readProcessStat(pid);
  return stat?.startTime === startTime && stat.state !== 'Z' && stat.state !== 'X';
}

/** State D: it waits in the kernel for something that does not come, and not even SIGKILL ends it meanwhile. */
export function isUninterruptible({ pid, startTime }: ProcessIdentity): boolean {
  const stat = readProcessStat(pid);
  return stat?.startTime === startTime && stat.state === 'D';
}

function readProcessStat(pid: number): { readonly state: string; readonly startTime: string } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name in brackets may itself hold brackets and blanks; state is the first field behind it, starttime the 20th.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', startTime: fields[19] ?? '' };
  } catch {
    return undefined;
  }
}

/** USER_HZ, 100 on every Linux that Node runs on. */
const MICROSECONDS_PER_TICK = 10_000;

export interface ProcessCost {
  /** User and system time. */
  readonly cpuMicroseconds: number;
  readonly residentBytes: number;
}

/** undefined if there is no such process. */
export function readProcessCost(pid: number): ProcessCost | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [, kibibytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? [];
    // One that has ended and waits to be collected has no memory left to tell of.
    if (kibibytes === undefined) return undefined;
    return {
      cpuMicroseconds: (Number(fields[11]) + Number(fields[12])) * MICROSECONDS_PER_TICK,
      residentBytes: Number(kibibytes) * 1024,
    };
  } catch {
    return undefined;
  }
}
