// One process that holds a GPU, and those of its helpers that work: they become workers when they are seen at it, and cease to be
// after minutes without. A framework keeps hundreds of threads that sleep for ever; counted, they would look like slack.
import { absent, isAbsent, type Absence } from '#agent/contract';
import type { Tree } from '../../sources/tree.ts';
import { findHelpers, type Helper } from './helpers.ts';
import { Task, type NamedUse } from './task.ts';
import { addTime, noTime, WorkerStates, type StateSeconds, type TaskUse } from './worker-states.ts';

/** Share of the time that one runs, waits for a CPU, or is blocked. */
const AT_WORK = 0.01;
const RELEASE_AFTER_S = 300;
/** Threads that serve the GPU, not its input: of the CUDA driver, of NCCL, of PyTorch's backward pass. */
const servesGpu = /^(?:cuda|nccl|pt_nccl|pt_autograd)/i;

interface Worker {
  readonly task: Task;
  quietSeconds: number;
}

interface Candidate {
  readonly use: TaskUse;
  readonly atMs: number;
}

/** One tick of the process; an absence if it cannot be read. */
export type OwnerReading =
  | {
      readonly kind: 'read';
      readonly mainThread: number | undefined;
      readonly time: StateSeconds;
      /** Whether the kernel counts how long a task waited for a CPU: without, nobody can tell waiting from slack. */
      readonly countsWaits: boolean;
    }
  | Absence;

export interface Scan {
  readonly nowMs: number;
  readonly isOwner: (pid: number) => boolean;
  readonly withThreads: boolean;
  /** How many helpers may be looked at, how many workers be added. */
  readonly most: number;
  readonly room: number;
}

export class GpuOwner {
  readonly #tree: Tree;
  readonly #pid: number;
  #main: Task;
  readonly #states = new WorkerStates();
  #countsWaits = true;
  readonly #workers = new Map<string, Worker>();
  readonly #candidates = new Map<string, Candidate>();
  #before: Candidate | undefined;

  constructor(tree: Tree, pid: number) {
    this.#tree = tree;
    this.#pid = pid;
    this.#main = this.#openMain();
  }

  get workers(): number {
    return this.#workers.size;
  }

  read(nowMs: number): OwnerReading {
    const use = this.#main.read();
    if (isAbsent(use) || use.state === 'ended') {
      this.#forget();
      // Whoever has the number next is opened then.
      this.#main.close();
      this.#main = this.#openMain();
      return isAbsent(use) ? absent(this.#whyHidden(use)) : absent('not_present');
    }
    const before = this.#before;
    // Another process has the number now: nothing that was known is of it.
    if (before && before.use.startTicks !== use.startTicks) this.#forget();
    this.#before = { use, atMs: nowMs };
    const mainThread = shareOf(before, this.#before);
    const time = this.#readWorkers(nowMs);
    return { kind: 'read', mainThread, time, countsWaits: this.#countsWaits };
  }

  /** Between two ticks: what does each worker do? */
  look(): void {
    for (const [name, { task }] of this.#workers) {
      const state = task.readState();
      if (!isAbsent(state)) this.#states.look(name, state);
    }
  }

  /** Looks at helpers that are no workers yet. */
  scan(scan: Scan): void {
    const helpers = findHelpers(this.#tree, this.#pid, scan);
    const seen = new Set(helpers.map(({ directory }) => directory));
    for (const name of this.#candidates.keys()) if (scan.withThreads && !seen.has(name)) this.#candidates.delete(name);
    let { room } = scan;
    for (const helper of helpers) {
      if (room > 0 && !this.#workers.has(helper.directory) && this.#consider(helper, scan.nowMs)) room--;
    }
  }

  close(): void {
    this.#forget();
    this.#main.close();
  }

  #openMain(): Task {
    return new Task(this.#tree, 'thread', `proc/${this.#pid}/task/${this.#pid}`);
  }

  #readWorkers(nowMs: number): StateSeconds {
    let sum = noTime;
    for (const [name, worker] of this.#workers) {
      const use = worker.task.read();
      if (isAbsent(use) || use.state === 'ended') {
        this.#release(name, worker);
        continue;
      }
      this.#countsWaits &&= use.waitSeconds !== undefined;
      const time = this.#states.read(name, nowMs, use);
      if (!time) continue;
      sum = addTime(sum, time);
      const seconds = time.running + time.waiting + time.blocked + time.slack;
      worker.quietSeconds = time.slack > (1 - AT_WORK) * seconds ? worker.quietSeconds + seconds : 0;
      if (worker.quietSeconds >= RELEASE_AFTER_S) this.#release(name, worker);
    }
    return sum;
  }

  /** True if it became a worker. */
  #consider({ kind, directory }: Helper, nowMs: number): boolean {
    const task = new Task(this.#tree, kind, directory);
    const use = task.read();
    if (isAbsent(use) || !this.#isAtWork(directory, use, nowMs) || (kind === 'thread' && servesGpu.test(use.name))) {
      task.close();
      if (isAbsent(use)) this.#candidates.delete(directory);
      else this.#candidates.set(directory, { use, atMs: nowMs });
      return false;
    }
    this.#candidates.delete(directory);
    this.#states.read(directory, nowMs, use);
    this.#workers.set(directory, { task, quietSeconds: 0 });
    return true;
  }

  #isAtWork(name: string, use: NamedUse, nowMs: number): boolean {
    if (use.state === 'blocked') return true;
    const before = this.#candidates.get(name);
    if (before?.use.startTicks !== use.startTicks || nowMs <= before.atMs) return false;
    const busy = use.cpuSeconds - before.use.cpuSeconds + (use.waitSeconds ?? 0) - (before.use.waitSeconds ?? 0);
    return (busy * 1000) / (nowMs - before.atMs) >= AT_WORK;
  }

  #release(name: string, worker: Worker): void {
    worker.task.close();
    this.#workers.delete(name);
    this.#states.forget(name);
  }

  #forget(): void {
    for (const [name, worker] of this.#workers) this.#release(name, worker);
    this.#candidates.clear();
    this.#before = undefined;
  }

  /** With hidepid even the first process is not to be seen; without, a process that is not there has ended. */
  #whyHidden({ reason }: Absence): Absence['reason'] {
    return reason === 'forbidden' || !this.#tree.exists('proc/1') ? 'forbidden' : 'not_present';
  }
}

function shareOf(before: Candidate | undefined, now: Candidate): number | undefined {
  if (before?.use.startTicks !== now.use.startTicks || now.atMs <= before.atMs) return undefined;
  const share = ((now.use.cpuSeconds - before.use.cpuSeconds) * 1000) / (now.atMs - before.atMs);
  return Math.min(1, Math.max(0, share));
}
