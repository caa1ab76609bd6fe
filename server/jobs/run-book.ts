// When jobs began and ended: compares who runs now with who ran before. Ended ones are kept for a day here, for longer on disk.
import { runKey, type JobRecord } from './job-record.ts';
import type { RunStore } from './run-store.ts';
import type { SlurmJob } from './slurm/model.ts';

const ENDED_KEPT_MS = 24 * 3_600_000;
const PRUNE_EVERY_MS = 3_600_000;
/** Whose node is silent may still run. */
const MISSING_MS = 120_000;

export interface RunsNow {
  readonly running: readonly JobRecord[];
  /** All that Slurm lists, also ended ones; undefined while it does not answer. */
  readonly slurm: readonly SlurmJob[] | undefined;
  /** Whether the agent of a node says who has its GPUs. */
  readonly isSeen: (node: string) => boolean;
  readonly wallMs: number;
}

export interface RunBookOptions {
  /** undefined: nothing is kept over a restart. */
  readonly store: RunStore | undefined;
  readonly keepMs: number;
  readonly onTrouble: (error: unknown) => void;
}

export class RunBook {
  readonly #options: RunBookOptions;
  #store: RunStore | undefined;
  readonly #runs = new Map<string, JobRecord>();
  readonly #seenMs = new Map<string, number>();
  /** Keys of those without an end. */
  readonly #open = new Map<string, string>();
  #prunedMs = -Infinity;

  constructor(options: RunBookOptions, wallMs: number) {
    this.#options = options;
    this.#store = options.store;
    this.#guard((store) => {
      for (const record of store.since(wallMs - ENDED_KEPT_MS)) this.#set(runKey(record), record);
    });
    for (const key of this.#runs.keys()) this.#seenMs.set(key, wallMs);
  }

  get ended(): readonly JobRecord[] {
    const ended = [...this.#runs.values()].filter(({ endMs }) => endMs !== undefined);
    return ended.sort((a, b) => (b.endMs ?? 0) - (a.endMs ?? 0));
  }

  /** What is known of a job that has not ended. */
  openRun(scheduler: string, id: string): JobRecord | undefined {
    const key = this.#open.get(`${scheduler} ${id}`);
    return key === undefined ? undefined : this.#runs.get(key);
  }

  /** All runs of a job, the newest first. */
  ofJob(id: string): readonly JobRecord[] {
    const known = [...this.#runs.values()].filter((run) => run.id === id || run.displayId === id);
    const keys = new Set(known.map(runKey));
    const older = this.#guard((store) => store.ofJob(id)) ?? [];
    return [...known, ...older.filter((run) => !keys.has(runKey(run)))].sort((a, b) => b.startMs - a.startMs);
  }

  /** Who had a GPU at a moment. */
  at(node: string, uuid: string, ms: number): JobRecord | undefined {
    const had = (run: JobRecord): boolean =>
      run.startMs <= ms &&
      ms < (run.endMs ?? Infinity) &&
      run.gpus.some((one) => one.node === node && one.uuid === uuid);
    return [...this.#runs.values()].find(had) ?? this.#guard((store) => store.at(ms))?.find(had);
  }

  take(now: RunsNow): void {
    const changed: JobRecord[] = [];
    const running = new Map(now.running.map((run) => [runKey(run), run]));
    for (const [key, run] of running) {
      this.#seenMs.set(key, now.wallMs);
      if (isSame(this.#runs.get(key), run)) continue;
      this.#set(key, run);
      changed.push(run);
    }
    for (const [key, run] of this.#runs) {
      if (run.endMs !== undefined || running.has(key) || !this.#hasEnded(key, run, now)) continue;
      const ended = endOf(run, now);
      this.#set(key, ended);
      changed.push(ended);
    }
    this.#guard((store) => {
      store.save(changed);
    });
    this.#prune(now.wallMs);
  }

  #set(key: string, run: JobRecord): void {
    this.#runs.set(key, run);
    const name = `${run.scheduler} ${run.id}`;
    if (run.endMs === undefined) this.#open.set(name, key);
    // The next run of the job may have begun already.
    else if (this.#open.get(name) === key) this.#open.delete(name);
  }

  #hasEnded(key: string, { isListed, scheduler, gpus }: JobRecord, now: RunsNow): boolean {
    if (isListed && scheduler === 'slurm') return now.slurm !== undefined;
    return gpus.every(({ node }) => now.isSeen(node)) || now.wallMs - (this.#seenMs.get(key) ?? 0) > MISSING_MS;
  }

  #prune(wallMs: number): void {
    if (wallMs - this.#prunedMs < PRUNE_EVERY_MS) return;
    this.#prunedMs = wallMs;
    for (const [key, { endMs }] of this.#runs) {
      if (endMs === undefined || wallMs - endMs <= ENDED_KEPT_MS) continue;
      this.#runs.delete(key);
      this.#seenMs.delete(key);
    }
    this.#guard((store) => {
      store.forgetBefore(wallMs - this.#options.keepMs);
    });
  }

  /** A disk that fails costs the memory of restarts, never who runs now. It is told once. */
  #guard<T>(use: (store: RunStore) => T): T | undefined {
    if (!this.#store) return undefined;
    try {
      return use(this.#store);
    } catch (error) {
      this.#options.onTrouble(error);
      this.#store = undefined;
      return undefined;
    }
  }
}

/** Slurm forgets ended jobs after minutes: what it no longer lists has ended since it was last asked. */
function endOf(run: JobRecord, { slurm, wallMs }: RunsNow): JobRecord {
  const listed = run.scheduler === 'slurm' ? slurm?.find(({ id }) => id === run.id) : undefined;
  if (!listed) return { ...run, endMs: wallMs, state: run.scheduler === 'slurm' ? 'UNKNOWN' : 'ENDED' };
  const isAgain = listed.state === 'PENDING' || (listed.startMs ?? run.startMs) !== run.startMs;
  if (isAgain)
    return { ...run, endMs: Math.max(run.startMs, Math.min(wallMs, again(listed) ?? wallMs)), state: 'REQUEUED' };
  return { ...run, endMs: listed.endMs ?? wallMs, state: listed.state };
}

/** When the next run began. */
function again({ state, startMs }: SlurmJob): number | undefined {
  return state === 'PENDING' ? undefined : startMs;
}

function isSame(known: JobRecord | undefined, run: JobRecord): boolean {
  if (known?.gpus.length !== run.gpus.length) return false;
  const haveSameGpus = known.gpus.every(({ node, uuid }, at) => isAt(run, at, node, uuid));
  return haveSameGpus && facts.every((fact) => Object.is(known[fact], run[fact]));
}

function isAt({ gpus }: JobRecord, at: number, node: string, uuid: string): boolean {
  const gpu = gpus[at];
  return gpu?.uuid === uuid && gpu.node === node;
}

/** All that may change while it runs, or be told better later. */
const facts = [
  ...(['user', 'account', 'partition', 'name', 'state', 'endMs', 'cpus', 'nodes', 'requestedGpus'] as const),
  ...(['timeLimitS', 'restarts', 'unknownGpus', 'displayId'] as const),
] as const;
