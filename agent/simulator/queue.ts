// Who runs where: jobs arrive, wait, take whole GPUs of one or several nodes, and leave. First come, first served, with backfill.
import { draftJob, meanGapS, type Job } from './jobs.ts';
import { Random } from './random.ts';

export interface Place {
  readonly node: number;
  readonly gpus: readonly number[];
}

export interface RunningJob extends Job {
  readonly startS: number;
  readonly endS: number;
  readonly places: readonly Place[];
}

const LONGEST_QUEUE = 40;

export class JobQueue {
  readonly #seed: number;
  readonly #gaps: Random;
  readonly #meanGapS: number;
  /** Who holds each GPU of each node; undefined is free. */
  readonly #owners: (RunningJob | undefined)[][];
  readonly #waiting: Job[] = [];
  readonly #running = new Set<RunningJob>();
  #drafted = 0;
  #next: Job;

  /** `residents` hold their node from the beginning. */
  constructor(
    seed: number,
    gpusPerNode: readonly number[],
    { startS, residents = [] }: { readonly startS: number; readonly residents?: readonly RunningJob[] },
  ) {
    this.#seed = seed;
    this.#gaps = new Random(seed, 'arrivals');
    this.#meanGapS = meanGapS(gpusPerNode.reduce((sum, gpus) => sum + gpus, 0));
    this.#owners = gpusPerNode.map((gpus) => Array.from({ length: gpus }, () => undefined));
    this.#next = this.#draft(startS);
    for (const job of residents) {
      this.#running.add(job);
      this.#hold(job, job);
    }
  }

  get running(): ReadonlySet<RunningJob> {
    return this.#running;
  }

  get waiting(): readonly Job[] {
    return this.#waiting;
  }

  /** Lets everything happen that happens up to a moment, in order. */
  advanceTo(timeS: number): void {
    for (;;) {
      const ending = earliestEnd(this.#running);
      if (ending && ending.endS <= Math.min(timeS, this.#next.arrivalS)) {
        this.#release(ending);
        this.#startWaiting(ending.endS);
      } else if (this.#next.arrivalS <= timeS) {
        const arrived = this.#next;
        this.#next = this.#draft(arrived.arrivalS);
        if (this.#waiting.length < LONGEST_QUEUE) this.#waiting.push(arrived);
        this.#startWaiting(arrived.arrivalS);
      } else return;
    }
  }

  #draft(afterS: number): Job {
    return this.#fitted(draftJob(this.#seed, this.#drafted++, afterS + this.#gaps.exponential(this.#meanGapS)));
  }

  /** In a part of the cluster people ask for what is there. */
  #fitted(job: Job): Job {
    const sizes = this.#owners.map((gpus) => gpus.length);
    const gpusPerNode = Math.min(job.gpusPerNode, Math.max(...sizes));
    const nodes = Math.min(job.nodes, sizes.filter((gpus) => gpus >= gpusPerNode).length);
    return { ...job, nodes, gpusPerNode };
  }

  #startWaiting(nowS: number): void {
    for (const job of [...this.#waiting]) {
      const places = this.#findPlaces(job);
      if (!places) continue;
      this.#waiting.splice(this.#waiting.indexOf(job), 1);
      const running: RunningJob = { ...job, startS: nowS, endS: nowS + job.durationS, places };
      this.#running.add(running);
      this.#hold(running, running);
    }
  }

  /** The fullest nodes that still have room, so that large jobs find whole nodes. */
  #findPlaces(job: Job): readonly Place[] | undefined {
    const candidates = this.#owners
      .map((owners, node) => ({ node, free: freeGpus(owners) }))
      .filter(({ free }) => free.length >= job.gpusPerNode)
      .toSorted((a, b) => a.free.length - b.free.length || a.node - b.node);
    if (candidates.length < job.nodes) return undefined;
    return candidates.slice(0, job.nodes).map(({ node, free }) => ({ node, gpus: free.slice(0, job.gpusPerNode) }));
  }

  #release(job: RunningJob): void {
    this.#running.delete(job);
    this.#hold(job, undefined);
  }

  #hold({ places }: RunningJob, owner: RunningJob | undefined): void {
    for (const { node, gpus } of places) {
      const owners = this.#owners[node];
      for (const gpu of gpus) if (owners) owners[gpu] = owner;
    }
  }

  /** Who holds a GPU now. */
  ownerOf(node: number, gpu: number): RunningJob | undefined {
    return this.#owners[node]?.[gpu];
  }
}

function earliestEnd(running: ReadonlySet<RunningJob>): RunningJob | undefined {
  let first: RunningJob | undefined;
  for (const job of running) if (!first || job.endS < first.endS) first = job;
  return first;
}

function freeGpus(owners: readonly (RunningJob | undefined)[]): number[] {
  return owners.flatMap((owner, gpu) => (owner ? [] : [gpu]));
}
