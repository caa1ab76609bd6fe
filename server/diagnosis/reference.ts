// What a GPU does in this job while nothing holds it back: learned from the slots in which its loader had slack, or assumed.
// detection.md §3: P95 of 10-s means over the last half hour.
import type { GpuFacts } from '#agent/contract';
import { powerActivity } from './power.ts';
import type { GpuSlot } from './slot.ts';

export interface Reference {
  /** Multiprocessor activity, and draw between idle and the limit. */
  readonly sm: number;
  readonly power: number;
  readonly busy: number;
  readonly mainThread: number;
  /** Draw with a loaded context and no work. */
  readonly contextW: number;
  readonly kind: 'own' | 'assumed';
}

const ASSUMED = { sm: 0.75, power: 0.6, busy: 0.97, mainThread: 0.5 } as const;
/** Ten-second means of the last half hour, and how few are enough. */
const KEPT = 180;
const ENOUGH = 6;
const SLACK = 0.12;
/** Below this share of what is usual, its own best is no proof that all was well. */
const POOR = 0.55;
/** Where nobody knows what a context draws. */
const CONTEXT_SHARE = 0.15;

interface Mark {
  readonly sm: number;
  readonly power: number;
  readonly busy: number;
  readonly mainThread: number;
}

/** Of one GPU in one job. */
export class ReferenceLearner {
  readonly #facts: GpuFacts;
  readonly #marks: Mark[] = [];
  #contextW: number;
  #known: Reference | undefined;

  /** What was learned of the GPU itself outlives a job. */
  constructor(facts: GpuFacts, before?: Reference) {
    this.#facts = facts;
    this.#contextW = before?.contextW ?? facts.contextW;
  }

  /** `free` says that the loader had slack, or nobody knows, and nothing slowed the GPU. */
  learn({ mean }: GpuSlot, free: boolean): void {
    if (mean.processes > 0 && mean.busy < 0.02) this.#contextW = lowered(this.#contextW, mean.powerW);
    if (!free || !(mean.busy > 0.3)) return;
    const power = powerActivity(mean, this.#facts, this.#context);
    this.#marks.push({ sm: mean.sm, power, busy: mean.busy, mainThread: mean.mainThread });
    if (this.#marks.length > KEPT) this.#marks.shift();
    this.#known = undefined;
  }

  get reference(): Reference {
    return (this.#known ??= this.#find());
  }

  get #context(): number {
    return Number.isNaN(this.#contextW) ? this.#facts.powerDefaultW * CONTEXT_SHARE : this.#contextW;
  }

  #find(): Reference {
    const marks = this.#marks;
    const sm = level(marks.map((mark) => mark.sm));
    const power = level(marks.map((mark) => mark.power));
    const proven = marks.length >= ENOUGH && !(sm < POOR * ASSUMED.sm) && !(power < POOR * ASSUMED.power);
    return {
      sm: proven && sm > 0 ? sm : larger(sm, ASSUMED.sm),
      power: proven && power > 0 ? power : larger(power, ASSUMED.power),
      busy: proven ? level(marks.map(({ busy }) => busy)) : ASSUMED.busy,
      mainThread: proven ? quantile(numbers(marks.map((mark) => mark.mainThread)), 0.5) : ASSUMED.mainThread,
      contextW: this.#context,
      kind: proven ? 'own' : 'assumed',
    };
  }
}

export function hasSlack({ mean }: GpuSlot): boolean {
  const slack = 1 - (mean.workersRunning + mean.workersWaiting + mean.workersBlocked) / mean.workers;
  return !(slack < SLACK);
}

/** Follows downwards at once and upwards slowly. */
function lowered(before: number, watts: number): number {
  if (Number.isNaN(watts)) return before;
  return Number.isNaN(before) || watts < before ? watts : before + (watts - before) * 0.02;
}

function level(values: readonly number[]): number {
  return quantile(numbers(values), 0.95);
}

function larger(own: number, usual: number): number {
  return own > usual ? own : usual;
}

function numbers(values: readonly number[]): readonly number[] {
  return values.filter((value) => !Number.isNaN(value)).sort((a, b) => a - b);
}

/** Of sorted values; NaN of none. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}
