// What jobs use besides GPUs, as the kernel adds it up: CPU, pressure, memory and disk traffic of each job on a node, and the
// time of the processes that hold a GPU and of their loader's workers.
import type { LocalWork } from './host-model.ts';
import { blockedPerGpu, jobPressureOf, loaderCoresOf, mainThreadCoresOf } from './host-needs.ts';
import type { Pace } from './pace.ts';
import { noiseAt } from './random.ts';

/** Of a loader with more workers so many are shown. */
const MOST_WORKERS = 6;
const SYSTEM_SHARE = 0.1;

export interface TaskUse {
  /** As proc/PID/stat has it. */
  readonly state: 'R' | 'S' | 'D';
  readonly cpuS: number;
  readonly waitS: number;
}

/** Shares of a worker's time; the rest it has nothing to do. */
export interface WorkerShares {
  readonly running: number;
  /** Ready, without a CPU. */
  readonly waiting: number;
  /** For data. */
  readonly blocked: number;
}

export function workersOf({ job }: Pace): number {
  return job.needs.loaderCores === 0 ? 0 : Math.min(MOST_WORKERS, Math.max(1, Math.round(job.needs.workers)));
}

export function workerSharesOf(pace: Pace): WorkerShares {
  if (pace.phase !== 'run') return { running: 0, waiting: 0, blocked: 0 };
  const { workers } = pace.job.needs;
  const running = Math.min(0.99, loaderCoresOf(pace) / workers);
  const blocked = Math.min(1 - running, blockedPerGpu(pace) / workers);
  const waiting = pace.limit === 'cpu' ? Math.max(0, 1 - running - blocked) * 0.97 : 0;
  return { running, waiting, blocked };
}

/** The tasks of one process that holds a GPU: its main thread first, then its workers. */
export class ProcessUse {
  readonly #stream: number;
  readonly #cpuS: number[] = [];
  readonly #waitS: number[] = [];
  #states: TaskUse['state'][] = [];

  /** It has long been doing what it does. */
  constructor(pace: Pace, pid: number, ageS: number) {
    this.#stream = pid;
    this.add(pace, { timeS: 0, seconds: ageS });
  }

  get tasks(): readonly TaskUse[] {
    return this.#states.map((state, task) => ({ state, cpuS: this.#cpuS[task] ?? 0, waitS: this.#waitS[task] ?? 0 }));
  }

  add(pace: Pace, { timeS, seconds }: { readonly timeS: number; readonly seconds: number }): void {
    const main: WorkerShares = { running: Math.min(0.99, mainThreadCoresOf(pace)), waiting: 0, blocked: 0 };
    const worker = workerSharesOf(pace);
    const states: TaskUse['state'][] = [];
    for (let task = 0; task <= workersOf(pace); task++) {
      const { running, waiting, blocked } = task === 0 ? main : worker;
      const noise = noiseAt(this.#stream + task * 7919, Math.floor(timeS));
      // More in one second, less in another.
      const jitter = 0.9 + 0.2 * noise;
      this.#cpuS[task] = (this.#cpuS[task] ?? 0) + Math.min(1, running * jitter) * seconds;
      this.#waitS[task] = (this.#waitS[task] ?? 0) + Math.min(1 - running, waiting * jitter) * seconds;
      // A state holds for a whole second, in which the task also runs: of the rest of its time it is blocked for this share.
      const blockedShare = blocked / Math.max(0.01, 1 - running - waiting);
      states.push(noise < blockedShare ? 'D' : noise < blockedShare + running + waiting ? 'R' : 'S');
    }
    this.#states = states;
  }
}

/** One job on one node. */
export class JobUse {
  cpuS = 0;
  readonly pressureS = { cpu: 0, ioSome: 0, ioFull: 0 };
  memoryBytes = 0;
  readBytes = 0;
  writtenBytes = 0;

  /** It has long been doing what it does. */
  constructor(work: LocalWork, ageS: number) {
    this.add(work, ageS);
  }

  get systemS(): number {
    return this.cpuS * SYSTEM_SHARE;
  }

  add({ pace, gpus }: LocalWork, seconds: number): void {
    const { job, phase, speed, progress } = pace;
    const { needs, rhythm } = job;
    this.cpuS += (loaderCoresOf(pace) + mainThreadCoresOf(pace)) * gpus.length * seconds;
    const { cpu, io } = jobPressureOf(pace, 1);
    this.pressureS.cpu += cpu * seconds;
    this.pressureS.ioSome += io * seconds;
    this.pressureS.ioFull += io * FULL_OF_SOME * seconds;
    const share = phase === 'none' ? 0 : phase === 'startup' ? progress : 1;
    this.memoryBytes = Math.round(EMPTY_JOB_BYTES + needs.hostMemoryBytes * gpus.length * share);
    if (needs.dataset !== 'local') return;
    if (phase === 'run') this.readBytes += needs.readBytesPerS * speed * gpus.length * seconds;
    if (phase === 'checkpoint')
      this.writtenBytes += ((rhythm.checkpointBytesPerS * gpus.length) / Math.max(gpus.length, 4)) * seconds;
  }
}

/** The shell that Slurm starts. */
const EMPTY_JOB_BYTES = 9_600_000;
const FULL_OF_SOME = 0.55;
