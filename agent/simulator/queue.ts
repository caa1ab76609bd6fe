// Who runs where: jobs arrive, wait, take whole GPUs of one or several nodes, and leave. First come, first served, with backfill.
// A GPU that breaks takes its job with it and is given to nobody until it is back.
import type { Outage } from './faults.ts';
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

/** Who holds a GPU; undefined is free. */
type Owner = RunningJob | 'broken' | undefined;

/** The next thing that happens. Of several at the same moment GPUs break first and jobs arrive last. */
type Happening =
  | { readonly kind: 'break' | 'repair'; readonly timeS: number; readonly outage: Outage }
  | { readonly kind: 'end'; readonly timeS: number; readonly job: RunningJob }
  | { readonly kind: 'arrival'; readonly timeS: number };

const LONGEST_QUEUE = 40;

export class JobQueue {
  readonly #seed: number;
  readonly #gaps: Random;
  readonly #meanGapS: number;
  /** By node and GPU. */
  readonly #owners: Owner[][];
  /** In order. */
  readonly #outages: Exclude<Happening, { kind: 'end' | 'arrival' }>[];
  readonly #waiting: Job[] = [];
  readonly #running = new Set<RunningJob>();
  #drafted = 0;
  #next: Job;

  /** `residents` hold their node from the beginning. */
  constructor(
    seed: number,
    gpusPerNode: readonly number[],
    {
      startS,
      residents = [],
      outages = [],
    }: { readonly startS: number; readonly residents?: readonly RunningJob[]; readonly outages?: readonly Outage[] },
  ) {
    this.#seed = seed;
    this.#gaps = new Random(seed, 'arrivals');
    this.#meanGapS = meanGapS(gpusPerNode.reduce((sum, gpus) => sum + gpus, 0));
    this.#owners = gpusPerNode.map((gpus) => Array.from({ length: gpus }, () => undefined));
    this.#outages = outages
      .flatMap((outage) => [
        { kind: 'break' as const, timeS: outage.fromS, outage },
        { kind: 'repair' as const, timeS: outage.toS, outage },
      ])
      .toSorted((a, b) => a.timeS - b.timeS);
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

  /** Lets everything happen that happens up to a moment, in order. Gives the jobs that came to their end. */
  advanceTo(timeS: number): readonly RunningJob[] {
    const ended: RunningJob[] = [];
    for (let next = this.#nextHappening(); next.timeS <= timeS; next = this.#nextHappening()) {
      switch (next.kind) {
        case 'break':
          this.#outages.shift();
          this.#break(next.outage);
          break;
        case 'repair':
          this.#outages.shift();
          this.#hold({ places: [{ node: next.outage.node, gpus: [next.outage.gpu] }] }, undefined);
          break;
        case 'end':
          this.#release(next.job);
          ended.push(next.job);
          break;
        case 'arrival':
          this.#arrive();
          break;
      }
      this.#startWaiting(next.timeS);
    }
    return ended;
  }

  #nextHappening(): Happening {
    const [outage] = this.#outages;
    const ending = earliestEnd(this.#running);
    const arrival: Happening = { kind: 'arrival', timeS: this.#next.arrivalS };
    const end: Happening = ending ? { kind: 'end', timeS: ending.endS, job: ending } : arrival;
    const next = end.timeS <= arrival.timeS ? end : arrival;
    return outage && outage.timeS <= next.timeS ? outage : next;
  }

  #arrive(): void {
    const arrived = this.#next;
    this.#next = this.#draft(arrived.arrivalS);
    if (this.#waiting.length < LONGEST_QUEUE) this.#waiting.push(arrived);
  }

  /** A job does not outlive one of its GPUs. */
  #break({ node, gpu }: Outage): void {
    const owner = this.#owners[node]?.[gpu];
    if (owner !== undefined && owner !== 'broken') this.#release(owner);
    this.#hold({ places: [{ node, gpus: [gpu] }] }, 'broken');
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

  #hold({ places }: Pick<RunningJob, 'places'>, owner: Owner): void {
    for (const { node, gpus } of places) {
      const owners = this.#owners[node];
      for (const gpu of gpus) if (owners) owners[gpu] = owner;
    }
  }

  /** Whose job holds a GPU now. */
  ownerOf(node: number, gpu: number): RunningJob | undefined {
    const owner = this.#owners[node]?.[gpu];
    return owner === 'broken' ? undefined : owner;
  }
}

function earliestEnd(running: ReadonlySet<RunningJob>): RunningJob | undefined {
  let first: RunningJob | undefined;
  for (const job of running) if (!first || job.endS < first.endS) first = job;
  return first;
}

function freeGpus(owners: readonly Owner[]): number[] {
  return owners.flatMap((owner, gpu) => (owner ? [] : [gpu]));
}
