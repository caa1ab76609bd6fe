// The first verdict per GPU and 10-s slot, from utilisation and the presence of a process alone. Pure.
// It knows four answers; whatever starves a busy GPU is "starved, cause unknown", never a guess.
import type { LeafClass } from '#server/contract';

/** Utilisation over the last minute below which a held GPU is idle. */
const IDLE_BELOW = 0.02;
/** Memory in use that a driver without any process may hold: 64 MiB. */
const BASELINE_BYTES = 64 * 1024 * 1024;

/** One reading of one GPU: there is none unless utilisation was readable. */
export interface GpuReading {
  /** 0–1. */
  readonly busy: number;
  /** NaN where the agent cannot say. */
  readonly processes: number;
  readonly memoryUsedBytes: number;
}

/** What the readings of one slot add up to. */
export interface SlotReadings {
  readonly count: number;
  readonly busySum: number;
  /** Some reading saw a process; some reading saw none; neither where nobody could say. */
  readonly withProcess: boolean;
  readonly withoutProcess: boolean;
}

export type Judgement =
  | { readonly kind: 'whole'; readonly class: LeafClass }
  /** Productive for this share of the slot, starved for the rest. */
  | { readonly kind: 'split'; readonly productive: number };

export const unobserved: Judgement = { kind: 'whole', class: 'unobserved' };

/** Judges a slot that has readings; `minute` holds those of the 60 s up to its end. */
export function judgeSlot(slot: SlotReadings, minute: Pick<SlotReadings, 'count' | 'busySum'>): Judgement {
  if (slot.withoutProcess && !slot.withProcess && slot.busySum === 0) return { kind: 'whole', class: 'free.no_demand' };
  if (slot.withProcess && minute.busySum / minute.count < IDLE_BELOW) return { kind: 'whole', class: 'held.idle' };
  return { kind: 'split', productive: slot.busySum / slot.count };
}

/** Whether a process holds the GPU; undefined where neither processes nor memory can be read. */
export function holdsProcess({ processes, memoryUsedBytes }: GpuReading): boolean | undefined {
  if (!Number.isNaN(processes)) return processes > 0;
  return Number.isNaN(memoryUsedBytes) ? undefined : memoryUsedBytes > BASELINE_BYTES;
}

/** The one class a judgement is shown as: the leaf with the largest share, at a tie the productive one. */
export function leadingClass(judgement: Judgement): LeafClass {
  if (judgement.kind === 'whole') return judgement.class;
  return judgement.productive >= 0.5 ? 'productive.compute' : 'starved.unknown';
}

/** Milliseconds per class; they add up to `ms` exactly. */
export function shareOut(judgement: Judgement, ms: number): readonly (readonly [LeafClass, number])[] {
  if (judgement.kind === 'whole') return [[judgement.class, ms]];
  const productive = Math.round(judgement.productive * ms);
  return [
    ['productive.compute', productive],
    ['starved.unknown', ms - productive],
  ];
}
