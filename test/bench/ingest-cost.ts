// What a process costs, thread by thread: proc(5), /proc/PID/task/TID/stat.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { readCost } from './process-cost.ts';

const MS_PER_TICK = 10;

export interface Standing {
  readonly atMs: number;
  readonly cpuMs: number;
  readonly residentBytes: number;
  readonly threads: ReadonlyMap<string, Thread>;
}

interface Thread {
  readonly name: string;
  readonly cpuMs: number;
}

export function standingOf(pid: number): Standing {
  const threads = readdirSync(`/proc/${pid}/task`).flatMap((id) => {
    const cpu = threadOf(pid, id);
    return cpu ? [[id, cpu] as const] : [];
  });
  return { atMs: performance.now(), ...readCost(pid), threads: new Map(threads) };
}

/** Undefined for a thread that has just ended. */
function threadOf(pid: number, id: string): Thread | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/task/${id}/stat`, 'latin1');
    const end = text.lastIndexOf(')');
    const [user = NaN, system = NaN] = text
      .slice(end + 2)
      .split(' ')
      .slice(11, 13)
      .map(Number);
    const name = id === String(pid) ? 'main' : text.slice(text.indexOf('(') + 1, end);
    return { name, cpuMs: (user + system) * MS_PER_TICK };
  } catch {
    return undefined;
  }
}

export interface ThreadUse {
  readonly name: string;
  readonly cpuMs: number;
}

/** CPU of each thread between two standings, the dearest first; what used less than a hundredth of it together last. */
export function threadUse(before: Standing, after: Standing): readonly ThreadUse[] {
  const uses = [...after.threads]
    .map(([id, { name, cpuMs }]) => ({ name, cpuMs: cpuMs - (before.threads.get(id)?.cpuMs ?? 0) }))
    .toSorted((a, b) => b.cpuMs - a.cpuMs);
  const total = uses.reduce((sum, { cpuMs }) => sum + cpuMs, 0);
  const large = uses.filter(({ cpuMs }) => cpuMs >= total / 100);
  const rest = uses.filter(({ cpuMs }) => cpuMs < total / 100).reduce((sum, { cpuMs }) => sum + cpuMs, 0);
  return rest > 0 ? [...large, { name: 'others', cpuMs: rest }] : large;
}

/** Bytes of all files below a folder; 0 where there is none. */
export function bytesBelow(folder: string): number {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .reduce((sum, { parentPath, name }) => sum + sizeOf(join(parentPath, name)), 0);
  } catch {
    return 0; // no such folder
  }
}

function sizeOf(file: string): number {
  try {
    return statSync(file).size;
  } catch {
    return 0; // removed meanwhile
  }
}

/** How many files and connections a process may have open. */
export function openFilesLimit(): number {
  const [, soft = '0'] = /^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
  return soft === 'unlimited' ? Infinity : Number(soft);
}
