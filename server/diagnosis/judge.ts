// Judges every GPU every 10 s: the label of now from the minute up to now, and the final word on the slot 30 s ago from the minute
// around it. Pure but for what it remembers; it knows no clock. detection.md §3.1, §4.
import type { JobFacts } from '#agent/contract';
import { causes } from '#server/contract';
import type { Features } from './features.ts';
import { nextLimit, ruledOut } from './figures.ts';
import { ageOf, GpuTrack, type KeptSlot } from './gpu-track.ts';
import { findAll } from './rules/index.ts';
import { WORTH_NAMING } from './rules/rule.ts';
import { findOccupancy, IDLE, type Holding } from './rules/occupancy.ts';
import { findAmongRanks, type Rank } from './rules/ranks.ts';
import { meanOfGpu, meanOfNode, type NodeSlot } from './slot.ts';
import { nothingFound, unobserved, verdictOf, type Evidence, type Finding, type Verdict } from './verdict.ts';

/** Slots after which the word on one is final. */
export const SETTLE_SLOTS = 2;
/** GPUs of a piece of work: about a millisecond. */
const PIECE = 32;
const WINDOW = 6;
/** A loss of this size for so long, and nothing explains it. */
const UNEXPLAINED_EFFECTIVE = { own: 0.75, assumed: 0.45 } as const;
const UNEXPLAINED_SLOTS = 12;
/** Readings that a minute needs; fewer say nothing. */
const FEWEST_SAMPLES = 3;

export interface StepInput {
  /** The number of the slot that has just ended: it ended (number + 1) x 10 s after the epoch. */
  readonly slot: number;
  readonly nodes: readonly NodeSlot[];
  /** undefined where no scheduler tells. */
  readonly jobs: readonly JobFacts[] | undefined;
  /** Nodes out of service, says the scheduler. */
  readonly planned?: ReadonlySet<string>;
  /** GPU models that waiting jobs ask for and do not get. */
  readonly wantedModels?: ReadonlySet<string>;
  /** Nodes of which no scheduler tells who was given what. */
  readonly unscheduled?: ReadonlySet<string>;
}

export interface GpuJudgement {
  readonly node: string;
  readonly uuid: string;
  readonly gpu: string;
  readonly job: JobFacts | undefined;
  readonly verdict: Verdict;
  /** Effective duty of the slot itself. */
  readonly slotEffective: number;
  /** Share of the slot's seconds that arrived, 0–1. */
  readonly seen: number;
  readonly memoryBound: boolean;
  readonly sinceSlot: number;
  /** What was looked at and is not the cause; what would hold it back next. */
  readonly ruledOut: readonly Evidence[];
  readonly next: ReturnType<typeof nextLimit>;
}

export interface Step {
  readonly slot: number;
  /** The labels of now. */
  readonly live: readonly GpuJudgement[];
  /** The slot that is final, with its number. */
  readonly finalSlot: number;
  readonly final: readonly GpuJudgement[];
}

export class Judge {
  readonly #tracks = new Map<string, Map<string, GpuTrack>>();
  #jobsOf = new Map<string, JobFacts>();

  step(input: StepInput): Step {
    const pieces = this.pieces(input);
    for (;;) {
      const piece = pieces.next();
      if (piece.done) return piece.value;
    }
  }

  /** One step in pieces: between two of them something else may run, but no other step. */
  *pieces(input: StepInput): Generator<undefined, Step> {
    this.#jobsOf = jobsByGpu(input.jobs ?? []);
    const seen = new Map(input.nodes.map((node) => [node.facts.node, node]));
    for (const node of input.nodes) this.#learn(node);
    const all = this.#all();
    for (const [at, { track, index }] of all.entries()) {
      if (at % PIECE === 0) yield;
      const job = this.#jobsOf.get(keyOf(track.node, track.facts.uuid));
      track.assign(job);
      const held = track.label.verdict.loss >= 0.1;
      track.add(input.slot, seen.get(track.node), { index, jobNodes: jobNodes(job), held });
    }
    this.#shareCheckpoints(all, input.slot);
    const finalSlot = input.slot - SETTLE_SLOTS;
    const final = yield* this.#judge(all, {
      input,
      from: finalSlot - 3,
      to: finalSlot + SETTLE_SLOTS,
      slot: finalSlot,
    });
    const now = yield* this.#judge(all, { input, from: input.slot - WINDOW + 1, to: input.slot, slot: input.slot });
    const live = now.map((one, at) => {
      const track = all[at]?.track;
      if (!track) return one;
      track.noteExplained(
        one.verdict.cause !== 'none' && one.verdict.cause !== 'unknown',
        one.verdict.effective,
        UNEXPLAINED_EFFECTIVE,
      );
      const verdict = track.label.take(input.slot, one.verdict);
      return { ...one, verdict, sinceSlot: track.label.sinceSlot };
    });
    return { slot: input.slot, live, finalSlot, final };
  }

  /** A GPU that is gone for good. */
  forget(node: string, uuid: string): void {
    this.#tracks.get(node)?.delete(uuid);
  }

  #learn({ facts }: NodeSlot): void {
    let tracks = this.#tracks.get(facts.node);
    if (!tracks) this.#tracks.set(facts.node, (tracks = new Map<string, GpuTrack>()));
    for (const gpu of facts.gpus) {
      const known = tracks.get(gpu.uuid);
      if (!known) tracks.set(gpu.uuid, new GpuTrack(facts, gpu));
      else known.update(facts, gpu);
    }
  }

  /** One rank writes, the others wait for it in a collective: all of the job pauses. */
  #shareCheckpoints(all: readonly Tracked[], slot: number): void {
    const writing = new Set(
      all.flatMap(({ track }) => (track.slot(slot)?.pause === 'checkpoint' ? (track.job?.id ?? []) : [])),
    );
    if (writing.size === 0) return;
    for (const { track } of all) if (track.job && writing.has(track.job.id)) track.joinPause(slot, 'checkpoint');
  }

  #all(): readonly Tracked[] {
    return [...this.#tracks.values()].flatMap((tracks) =>
      [...tracks.values()].map((track) => ({ track, index: track.index })),
    );
  }

  *#judge(all: readonly Tracked[], when: When): Generator<undefined, readonly GpuJudgement[]> {
    const views: View[] = [];
    for (const { track } of all) {
      if (views.length % PIECE === 0) yield;
      views.push(this.#view(track, when));
    }
    const byJob = Map.groupBy(
      views.filter((view) => view.features && view.job && !view.occupancy),
      (view) => view.job?.id ?? '',
    );
    for (const members of byJob.values()) {
      yield;
      compareRanks(members);
    }
    const judged: GpuJudgement[] = [];
    for (const view of views) {
      if (judged.length % (4 * PIECE) === 0) yield;
      judged.push(conclude(view, when.slot));
    }
    return judged;
  }

  #view(track: GpuTrack, { input, from, to, slot }: When): View {
    const kept = track.slot(slot);
    const job = kept ? kept.job : track.job;
    const window = track.window(from, to);
    const mean = meanOfGpu(window.gpus);
    const base = { track, job, kept, window: window.slots, ofJob: undefined };
    if (!mean || mean.samples < FEWEST_SAMPLES)
      return { ...base, features: undefined, occupancy: undefined, found: [] };
    const features = track.featuresOf(mean, meanOfNode(window.nodes), jobNodes(job));
    const holding: Holding = {
      job,
      jobsKnown: input.jobs !== undefined && !(input.unscheduled?.has(track.node) ?? false),
      planned: input.planned?.has(track.node) ?? false,
      wanted: input.wantedModels?.has(track.facts.model) ?? false,
      ageS: ageOf(job, slot),
      started: track.started,
      hadProcess: track.hadProcess,
      idleShare: idleShareOf(track.around(slot)),
      slot: kept?.gpu?.mean ?? features.mean,
    };
    const occupancy = findOccupancy(features, holding);
    return { ...base, features, occupancy, found: occupancy ? [] : lasting(window.slots, findAll(features)) };
  }
}

function conclude(view: View, slot: number): GpuJudgement {
  const { track, kept, features } = view;
  const verdict = verdictAt(view, slot);
  const samples = kept?.gpu?.samples ?? 0;
  return {
    node: track.node,
    uuid: track.facts.uuid,
    gpu: track.facts.gpu,
    job: view.job,
    verdict,
    slotEffective: kept?.effective ?? NaN,
    seen: Math.min(1, samples / track.usualSamples),
    memoryBound: features !== undefined && features.mean.dram / features.busy >= 0.7,
    sinceSlot: slot,
    ruledOut: features && verdict.loss > 0 ? ruledOut(features, verdict.cause) : [],
    next: features && verdict.loss > 0 ? nextLimit(features, verdict.cause) : undefined,
  };
}

interface Tracked {
  readonly track: GpuTrack;
  readonly index: number;
}

interface When {
  readonly input: StepInput;
  readonly from: number;
  readonly to: number;
  readonly slot: number;
}

interface View {
  readonly track: GpuTrack;
  readonly job: JobFacts | undefined;
  readonly kept: KeptSlot | undefined;
  readonly window: readonly KeptSlot[];
  readonly features: Features | undefined;
  readonly occupancy: Finding | undefined;
  readonly found: readonly Finding[];
  /** What the job's other ranks say of it. */
  ofJob: Finding | undefined;
}

/** A loss that a few slots of the window show is a passing one; a slower clock is a fact. */
function lasting(slots: readonly KeptSlot[], found: readonly Finding[]): readonly Finding[] {
  const low = slots.filter(({ effective }) => effective < 1 - WORTH_NAMING * 0.6).length;
  return low >= slots.length / 2 ? found : found.filter(({ cause, loss }) => loss === 0 || isSlowing(cause));
}

function isSlowing(cause: Finding['cause']): boolean {
  return causes[cause].class.startsWith('slowed') || cause === 'h2d.pcie';
}

/** Share of the slots in which nothing ran. */
function idleShareOf(slots: readonly KeptSlot[]): number {
  return slots.filter(({ gpu }) => (gpu?.mean.busy ?? NaN) < IDLE).length / slots.length;
}

function compareRanks(members: readonly View[]): void {
  const ranks = members.flatMap(({ track, features, window, found }): readonly Rank[] => {
    if (!features) return [];
    const work = window.map((slot) => slot.work);
    return [{ node: track.node, uuid: track.facts.uuid, features, work, own: found[0] }];
  });
  for (const [at, finding] of findAmongRanks(ranks).entries()) {
    const member = members[at];
    if (member) member.ofJob = finding;
  }
}

function verdictAt({ track, features, occupancy, found, ofJob, kept }: View, slot: number): Verdict {
  if (!kept?.gpu || !features) return unobserved;
  if (kept.gpu.mean.fault >= 0.5) return verdictOf({ cause: 'fault', loss: 1, confidence: 'high', evidence: [] }, 0);
  if (occupancy) return verdictOf(occupancy, features.effective);
  const pause = track.pauseAt(slot);
  if (pause) return verdictOf(pauseFinding(pause, kept), features.effective);
  const all = ofJob ? [ofJob, ...found] : found;
  const [first, ...also] = all;
  if (first) {
    return verdictOf(first, features.effective, also);
  }
  return verdictOf(findUnexplained(track, features) ?? nothingFound, features.effective);
}

function pauseFinding(pause: 'checkpoint' | 'gap', { effective }: KeptSlot): Finding {
  const loss = 1 - (Number.isNaN(effective) ? 0 : effective);
  return { cause: pause === 'checkpoint' ? 'checkpoint' : 'eval', loss, confidence: 'medium', evidence: [] };
}

function findUnexplained(track: GpuTrack, { effective }: Features): Finding | undefined {
  if (track.unexplained < UNEXPLAINED_SLOTS) return undefined;
  return { cause: 'unknown', loss: 1 - effective, confidence: 'low', evidence: [] };
}

function jobsByGpu(jobs: readonly JobFacts[]): Map<string, JobFacts> {
  return new Map(jobs.flatMap((job) => job.gpus.map(({ node, uuid }) => [keyOf(node, uuid), job] as const)));
}

function jobNodes(job: JobFacts | undefined): number {
  return new Set(job?.gpus.map(({ node }) => node)).size;
}

function keyOf(node: string, uuid: string): string {
  return `${node}\n${uuid}`;
}
