// What the judge remembers of one GPU: its last slots, what it learned of it in its present job, and the label of now.
import type { GpuFacts, JobFacts, NodeFacts, NodeSignals } from '#agent/contract';
import { featuresOf, type Features } from './features.ts';
import { LiveLabel } from './live-label.ts';
import { hasSlack, ReferenceLearner, type Reference } from './reference.ts';
import { SLOT_S, type GpuSlot, type NodeSlot } from './slot.ts';

/** Slots kept: the window around the one that becomes final. */
const KEPT = 12;
/** More of them in a row are no pause of the job. */
const PAUSE_AT_MOST = 4;
const STARTED_AFTER = 3;
const BUSY = 0.93;
/** A rank that does more than this takes no part in a pause. */
const PAUSED_BELOW = 0.8;
/** What was not explained for long is forgotten as fast as what was not for a while. */
const UNEXPLAINED_AT_MOST = 16;

export type Pause = 'checkpoint' | 'gap';

export interface KeptSlot {
  readonly number: number;
  /** Who had the GPU. */
  readonly job: JobFacts | undefined;
  readonly node: NodeSignals | undefined;
  readonly gpu: GpuSlot | undefined;
  readonly effective: number;
  /** Work by what it is while nothing holds it back; unlike the effective duty it may pass 1. */
  readonly work: number;
  readonly pause: Pause | undefined;
}

export class GpuTrack {
  readonly node: string;
  facts: GpuFacts;
  /** Its place among the GPUs of the node. */
  index: number;
  readonly label = new LiveLabel();
  #nodeFacts: NodeFacts;
  #slots: KeptSlot[] = [];
  #learner: ReferenceLearner;
  #job: JobFacts | undefined;
  #workedSlots = 0;
  #writes: number[] = [];
  hadProcess = false;
  started = false;
  /** Readings of a slot in which none is missing: agents may read less often than once a second. */
  usualSamples = 1;
  /** Slots in a row with a loss that nothing explains. */
  unexplained = 0;

  constructor(nodeFacts: NodeFacts, facts: GpuFacts) {
    this.node = nodeFacts.node;
    this.facts = facts;
    this.#nodeFacts = nodeFacts;
    this.index = nodeFacts.gpus.indexOf(facts);
    this.#learner = new ReferenceLearner(facts);
  }

  update(nodeFacts: NodeFacts, facts: GpuFacts): void {
    this.#nodeFacts = nodeFacts;
    this.facts = facts;
    this.index = nodeFacts.gpus.indexOf(facts);
  }

  get job(): JobFacts | undefined {
    return this.#job;
  }
  get reference(): Reference {
    return this.#learner.reference;
  }

  /** Another job begins: nothing that was learned of the one before holds. */
  assign(job: JobFacts | undefined): void {
    if (job?.id === this.#job?.id) {
      this.#job = job;
      return;
    }
    this.#job = job;
    this.#learner = new ReferenceLearner(this.facts, this.#learner.reference);
    this.#workedSlots = 0;
    this.#writes = [];
    this.hadProcess = false;
    this.started = false;
    this.unexplained = 0;
  }

  /** `held` says that the last label named a loss: what such a slot shows is no reference. */
  add(
    number: number,
    slot: NodeSlot | undefined,
    at: { readonly index: number; readonly jobNodes: number; readonly held: boolean },
  ): void {
    const gpu = slot?.gpus[at.index];
    const node = slot?.mean;
    if (!gpu || !node) {
      this.#keep({ number, job: this.#job, node, gpu, effective: NaN, work: NaN, pause: undefined });
      return;
    }
    this.usualSamples = Math.max(this.usualSamples, Math.min(SLOT_S, gpu.samples));
    if (gpu.mean.processes > 0 || gpu.mean.busy > 0.1) this.hadProcess = true;
    const pauses = this.#pauseIn(gpu, node);
    this.#learner.learn(gpu, pauses === undefined && this.#isFree(gpu, at.held));
    const features = this.#features(gpu, node, at.jobNodes);
    this.#workedSlots = features.effective > 0.3 ? this.#workedSlots + 1 : 0;
    if (this.#workedSlots >= STARTED_AFTER) this.started = true;
    const { activity, profiled, reference } = features;
    this.#keep({
      ...{ number, job: this.#job, node, gpu, effective: features.effective, pause: pauses },
      work: activity / (profiled ? reference.sm : reference.power),
    });
    this.#writes.push(writtenBps(node));
    if (this.#writes.length > 60) this.#writes.shift();
  }

  /** Counts the slots in a row whose loss nothing explains. */
  noteExplained(explained: boolean, effective: number, below: Readonly<Record<Reference['kind'], number>>): void {
    if (Number.isNaN(effective)) return;
    const lost = this.started && effective < below[this.reference.kind];
    this.unexplained =
      lost && !explained
        ? Math.min(UNEXPLAINED_AT_MOST, this.unexplained + 1)
        : explained
          ? 0
          : Math.max(0, this.unexplained - 2);
  }

  slot(number: number): KeptSlot | undefined {
    return this.#slots.find((one) => one.number === number);
  }

  /** The two minutes around a slot, as far as they are kept. */
  around(number: number): readonly KeptSlot[] {
    return this.#slots.filter((one) => Math.abs(one.number - number) <= KEPT && one.gpu !== undefined);
  }

  /** Means over the slots of a window, pauses left out unless there is nothing else. */
  window(
    from: number,
    to: number,
  ): {
    readonly slots: readonly KeptSlot[];
    readonly gpus: readonly GpuSlot[];
    readonly nodes: readonly NodeSignals[];
  } {
    const all = this.#slots.filter(({ number, gpu }) => number >= from && number <= to && gpu !== undefined);
    const steady = all.filter((one) => !this.#isPause(one));
    const slots = steady.length > 0 ? steady : all;
    return { slots, gpus: slots.flatMap(({ gpu }) => gpu ?? []), nodes: slots.flatMap(({ node }) => node ?? []) };
  }

  /** The whole job pauses, says another rank of it. */
  joinPause(number: number, pause: Pause): void {
    const at = this.#slots.findIndex((one) => one.number === number);
    const slot = this.#slots[at];
    if (slot && !slot.pause && slot.effective < PAUSED_BELOW) this.#slots[at] = { ...slot, pause };
  }

  /** A pause is short: what lasts is a stall. */
  pauseAt(number: number): Pause | undefined {
    const slot = this.slot(number);
    return slot && this.#isPause(slot) ? slot.pause : undefined;
  }

  featuresOf(gpu: GpuSlot, node: NodeSignals, jobNodes: number): Features {
    return this.#features(gpu, node, jobNodes);
  }

  #features(slot: GpuSlot, nodeMean: NodeSignals, jobNodes: number): Features {
    return featuresOf({
      facts: this.facts,
      node: this.#nodeFacts,
      nodeMean,
      slot,
      reference: this.reference,
      jobNodes,
    });
  }

  #isPause({ number, pause }: KeptSlot): boolean {
    if (!pause || !this.started) return false;
    if (pause === 'checkpoint') return true;
    let run = 1;
    for (let at = number - 1; this.slot(at)?.pause; at--) run++;
    for (let at = number + 1; this.slot(at)?.pause; at++) run++;
    // What comes again and again is no pause either.
    return run <= PAUSE_AT_MOST && this.#slots.filter((one) => one.pause === 'gap').length <= PAUSE_AT_MOST;
  }

  /** The GPU rests while its loader has all the room it wants: the program does something else. */
  #pauseIn({ mean }: GpuSlot, node: NodeSignals): Pause | undefined {
    const { busy, workersRunning, workersWaiting, workersBlocked, workers, pcieRxBps } = mean;
    const written = writtenBps(node);
    const slack = 1 - (workersRunning + workersWaiting + workersBlocked) / workers;
    const rests = busy < 0.6 * this.reference.busy;
    const usual = median(this.#writes);
    if (rests && written > Math.max(200e6, 3 * (Number.isNaN(usual) ? 0 : usual))) return 'checkpoint';
    if (busy < 0.35 && !(slack < 0.5) && !(pcieRxBps / this.facts.pcieBps >= 0.1)) return 'gap';
    return undefined;
  }

  /** Nothing holds it back: its loader has slack, or it is as busy as can be although the loader is only filling its queues. */
  #isFree(gpu: GpuSlot, held: boolean): boolean {
    if (this.reference.kind === 'assumed') return hasSlack(gpu) || gpu.mean.busy >= BUSY;
    return !held && hasSlack(gpu);
  }

  #keep(slot: KeptSlot): void {
    this.#slots.push(slot);
    if (this.#slots.length > KEPT) this.#slots.shift();
  }
}

/** To all storage that is seen; NaN where none is. */
function writtenBps({ localWriteBps, sharedWriteBps }: NodeSignals): number {
  if (Number.isNaN(localWriteBps)) return sharedWriteBps;
  return Number.isNaN(sharedWriteBps) ? localWriteBps : localWriteBps + sharedWriteBps;
}

function median(values: readonly number[]): number {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

/** Seconds since the job was given the GPU. */
export function ageOf(job: JobFacts | undefined, slotNumber: number): number {
  return job ? (slotNumber + 1) * SLOT_S - job.startMs / 1000 : Infinity;
}
