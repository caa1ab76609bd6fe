// How the helpers of a GPU's process spend their time, from readings of each at every tick and looks at their state between.
// running: CPU time; waiting: ready without a CPU; blocked: by the share of the looks that saw it wait for I/O; slack: the rest.
// A loader that keeps up has slack; one that is the bottleneck has none.
import type { TaskState } from '../../parse/task-stat.ts';

export const workerStates = ['running', 'waiting', 'blocked', 'slack'] as const;
/** Seconds in each state. */
export type StateSeconds = Readonly<Record<(typeof workerStates)[number], number>>;

export const noTime: StateSeconds = { running: 0, waiting: 0, blocked: 0, slack: 0 };

/** One reading of a task. Its counts are since its start. */
export interface TaskUse {
  /** Tells a task from a later one with the same number. */
  readonly startTicks: number;
  readonly cpuSeconds: number;
  /** undefined where the kernel does not count it. */
  readonly waitSeconds: number | undefined;
  readonly state: TaskState;
}

interface Worker {
  readonly use: TaskUse;
  readonly atMs: number;
  looks: number;
  blockedLooks: number;
}

export class WorkerStates {
  readonly #workers = new Map<string, Worker>();

  /** A look between two ticks. */
  look(worker: string, state: TaskState): void {
    const known = this.#workers.get(worker);
    if (!known) return;
    known.looks++;
    if (state === 'blocked') known.blockedLooks++;
  }

  /** How the time since the last reading was spent; undefined for the first one, and where another task has the number now. */
  read(worker: string, nowMs: number, use: TaskUse): StateSeconds | undefined {
    const before = this.#workers.get(worker);
    if (before?.use.startTicks === use.startTicks) this.look(worker, use.state);
    this.#workers.set(worker, { use: { ...use }, atMs: nowMs, looks: 0, blockedLooks: 0 });
    if (before?.use.startTicks !== use.startTicks || nowMs <= before.atMs) return undefined;
    return splitTime({
      seconds: (nowMs - before.atMs) / 1000,
      cpuSeconds: use.cpuSeconds - before.use.cpuSeconds,
      waitSeconds: (use.waitSeconds ?? 0) - (before.use.waitSeconds ?? use.waitSeconds ?? 0),
      blockedShare: before.blockedLooks / before.looks,
    });
  }

  /** It ended or is no worker any more. */
  forget(worker: string): void {
    this.#workers.delete(worker);
  }
}

interface Interval {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly waitSeconds: number;
  readonly blockedShare: number;
}

/** The four add up to the interval. CPU time comes in hundredths of a second and may be booked late: never more than there was. */
export function splitTime({ seconds, cpuSeconds, waitSeconds, blockedShare }: Interval): StateSeconds {
  const running = between(cpuSeconds, seconds);
  const waiting = between(waitSeconds, seconds - running);
  const blocked = between(blockedShare * seconds, seconds - running - waiting);
  return { running, waiting, blocked, slack: Math.max(0, seconds - running - waiting - blocked) };
}

export function addTime(a: StateSeconds, b: StateSeconds): StateSeconds {
  return {
    running: a.running + b.running,
    waiting: a.waiting + b.waiting,
    blocked: a.blocked + b.blocked,
    slack: a.slack + b.slack,
  };
}

function between(value: number, most: number): number {
  return Number.isFinite(value) ? Math.min(Math.max(0, value), Math.max(0, most)) : 0;
}
