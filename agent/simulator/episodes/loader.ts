// Storage, CPUs and loader workers of one node, event by event: whoever comes first is served first.
import type { Random } from '../random.ts';
import { addOver } from './bins.ts';
import type { RankParameters } from './parameters.ts';

/** Batches that each worker makes ahead. */
const PREFETCH = 2;

interface Task {
  readonly loader: Loader;
  readonly of: RankParameters;
  readonly batch: number;
  readonly worker: number;
  /** When there was room for it. */
  readonly orderedS: number;
}

type Event = { readonly atS: number; readonly task: Task } & (
  { readonly kind: 'fetch' } | { readonly kind: 'compute'; readonly beganS: number }
);

export class Host {
  readonly #events: Event[] = [];
  readonly #coreFreeS: number[] = [];
  #storageFreeS = -Infinity;

  push(event: Event): void {
    const events = this.#events;
    let at = events.push(event) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const [child, parent] = [events[at], events[above]];
      if (!child || !parent || parent.atS <= child.atS) return;
      events[at] = parent;
      events[above] = child;
      at = above;
    }
  }

  /** Goes on until `done`; false if nothing is left to do. */
  runUntil(done: () => boolean): boolean {
    while (!done()) {
      const event = this.#pop();
      if (!event) return false;
      if (event.kind === 'fetch') this.#fetch(event);
      else this.#compute(event);
    }
    return true;
  }

  #fetch({ atS, task }: Event): void {
    const { of, loader } = task;
    this.#storageFreeS = Math.max(atS, this.#storageFreeS) + of.batchBytes / of.storageBps;
    const fetchedS = Math.max(this.#storageFreeS, atS + of.fetchS);
    loader.blocked(atS, fetchedS, of.batchBytes);
    this.push({ kind: 'compute', atS: fetchedS, beganS: atS, task });
  }

  /** On the core that is free first. */
  #compute({ atS, task }: Event): void {
    const { of, loader } = task;
    const free = this.#coreFreeS;
    while (free.length < of.cores) free.push(-Infinity);
    let core = 0;
    for (let at = 1; at < of.cores; at++) if ((free[at] ?? Infinity) < (free[core] ?? Infinity)) core = at;
    const beganS = Math.max(atS, free[core] ?? atS);
    const endS = beganS + loader.prepS(of);
    free[core] = endS;
    loader.computed(task, { atS, beganS, endS });
  }

  #pop(): Event | undefined {
    const events = this.#events;
    const [first] = events;
    const last = events.pop();
    if (!first || !last || events.length === 0) return first;
    let at = 0;
    events[0] = last;
    for (;;) {
      const left = 2 * at + 1;
      const smaller = (events[left + 1]?.atS ?? Infinity) < (events[left]?.atS ?? Infinity) ? left + 1 : left;
      const child = events[smaller];
      if (!child || child.atS >= last.atS) return first;
      events[at] = child;
      events[smaller] = last;
      at = smaller;
    }
  }
}

export interface LoaderBins {
  readonly running: Float64Array | undefined;
  readonly waiting: Float64Array | undefined;
  readonly blocked: Float64Array | undefined;
  readonly readBytes: Float64Array | undefined;
}

/** The workers of one rank: batch by batch in turn, each a few ahead. */
export class Loader {
  readonly #host: Host;
  readonly #random: Random;
  readonly #bins: LoaderBins;
  /** When each batch was ready, by its number. */
  readonly #ready: number[] = [];
  /** Batches each worker has yet to begin. */
  readonly #queues: Task[][] = [];
  readonly #idleSinceS: (number | undefined)[] = [];
  #ordered = 0;
  #taken = 0;

  constructor(host: Host, random: Random, bins: LoaderBins) {
    this.#host = host;
    this.#random = random;
    this.#bins = bins;
  }

  /** `full`: it has long been running, its queues are full. */
  start(of: RankParameters, nowS: number, full = false): void {
    const ahead = of.workers * PREFETCH;
    if (!full) for (let batch = this.#ordered; batch < ahead; batch++) this.#order(of, nowS);
    else for (; this.#ordered < ahead; this.#ordered++) this.#ready[this.#ordered] = nowS;
  }

  /** When the next batch is ready; as it is taken, another one is ordered. */
  next(of: RankParameters, nowS: number): number {
    const batch = this.#taken++;
    if (this.#ordered === 0) this.start(of, nowS);
    this.#host.runUntil(() => this.#ready[batch] !== undefined);
    const readyS = this.#ready[batch] ?? nowS;
    this.#order(of, Math.max(nowS, readyS));
    return readyS;
  }

  blocked(fromS: number, toS: number, bytes: number): void {
    addOver(this.#bins.blocked, fromS, toS, 1);
    addOver(this.#bins.readBytes, fromS, toS, bytes / Math.max(1e-3, toS - fromS));
  }

  prepS({ prepS }: RankParameters): number {
    return prepS * Math.exp(0.24 * (this.#random.next() + this.#random.next() - 1));
  }

  computed(
    { batch, worker }: Task,
    when: { readonly atS: number; readonly beganS: number; readonly endS: number },
  ): void {
    addOver(this.#bins.waiting, when.atS, when.beganS, 1);
    addOver(this.#bins.running, when.beganS, when.endS, 1);
    this.#ready[batch] = when.endS;
    this.#idleSinceS[worker] = when.endS;
    this.#begin(worker);
  }

  #order(of: RankParameters, nowS: number): void {
    const batch = this.#ordered++;
    const worker = batch % of.workers;
    (this.#queues[worker] ??= []).push({ loader: this, of, batch, worker, orderedS: nowS });
    if (!(worker in this.#idleSinceS)) this.#idleSinceS[worker] = -Infinity;
    this.#begin(worker);
  }

  #begin(worker: number): void {
    const idleSinceS = this.#idleSinceS[worker];
    if (idleSinceS === undefined) return;
    const task = this.#queues[worker]?.shift();
    if (!task) return;
    this.#idleSinceS[worker] = undefined;
    this.#host.push({ kind: 'fetch', atS: Math.max(task.orderedS, idleSinceS), task });
  }
}
