// Lines of proc/PID/stat and schedstat. proc_pid_stat(5), Documentation/scheduler/sched-stats.rst.
import type { TaskUse } from '../job-use.ts';

export interface TaskIdentity {
  readonly pid: number;
  readonly comm: string;
  readonly parent: number;
  /** Hundredths of a second after boot. */
  readonly startTicks: number;
}

const SYSTEM_SHARE = 0.1;

export function renderTaskStat({ pid, comm, parent, startTicks }: TaskIdentity, { state, cpuS }: TaskUse): string {
  const ticks = Math.floor(cpuS * 100);
  const system = Math.floor(ticks * SYSTEM_SHARE);
  const before = `${pid} (${comm}) ${state} ${parent} ${pid} ${pid} 0 -1 4194304 81234 0 12 0`;
  const times = `${ticks - system} ${system} 0 0 20 0 1 0 ${startTicks}`;
  return `${before} ${times} 18446744 524288 18446744073709551615 1 1 0 0 0 0 0 16781312 0 0 0 0 17 3 0 0 0 0 0 0 0 0 0 0 0 0 0`;
}

/** On a CPU, waiting for one, how often on one. */
export function renderSchedStat({ cpuS, waitS }: TaskUse): string {
  return `${Math.floor(cpuS * 1e9)} ${Math.floor(waitS * 1e9)} ${Math.floor(cpuS * 250)}`;
}
