// The first verdict per GPU and 10-s slot, from utilisation, the presence of a process and demonstrated faults. Pure.
// It knows five answers; whatever starves a busy GPU is "starved, cause unknown", never a guess.
import type { LeafClass } from '#server/contract';

/** Utilisation over the last minute below which a held GPU is idle. */
const IDLE_BELOW = 0.02;
/** Memory in use that a driver without any process may hold: 64 MiB. */
const BASELINE_BYTES = 64 * 1024 * 1024;

/** One reading of one GPU: there is none unless utilisation was readable or a fault is demonstrated. */
export type GpuReading = UsageReading | { readonly kind: 'fault' };

export interface UsageReading {
  readonly kind: 'usage';
  /** 0–1. */
  readonly busy: number;
  /** NaN where the agent cannot say. */
  readonly processes: number;
  readonly memoryUsedBytes: number;
}

/** What the readings of one slot add up to. */
export interface SlotReadings {
  /** Readings of usage. */
  readonly count: number;
  /** Readings that showed a fault. */
  readonly faults: number;
  readonly busySum: number;
  /** Some reading saw a process; some reading saw none; neither where nobody could say. */
  readonly withProcess: boolean;
  readonly withoutProcess: boolean;
}

export type Judgement =
  | { readonly kind: 'whole'; readonly class: LeafClass }
  /** Productive for this share of the slot, starved for the rest. */
  | { readonly kind: 'split'; readonly productive: number }
  /** Out of order for this share of the slot, and as usual for the rest. */
  | { readonly kind: 'faulty'; readonly fault: number; readonly rest: UsageJudgement };

export type UsageJudgement = Exclude<Judgement, { readonly kind: 'faulty' }>;

export const unobserved: UsageJudgement = { kind: 'whole', class: 'unobserved' };

/** Judges a slot that has readings; `minute` holds those of the 60 s up to its end. */
export function judgeSlot(slot: SlotReadings, minute: Pick<SlotReadings, 'count' | 'busySum'>): Judgement {
  if (slot.count === 0) return { kind: 'whole', class: slot.faults > 0 ? 'out.fault' : 'unobserved' };
  const rest = judgeUsage(slot, minute);
  return slot.faults === 0 ? rest : { kind: 'faulty', fault: slot.faults / (slot.faults + slot.count), rest };
}

function judgeUsage(slot: SlotReadings, minute: Pick<SlotReadings, 'count' | 'busySum'>): UsageJudgement {
  if (slot.withoutProcess && !slot.withProcess && slot.busySum === 0) return { kind: 'whole', class: 'free.no_demand' };
  if (slot.withProcess && minute.busySum / minute.count < IDLE_BELOW) return { kind: 'whole', class: 'held.idle' };
  return { kind: 'split', productive: slot.busySum / slot.count };
}

/** Whether a process holds the GPU; undefined where neither processes nor memory can be read. */
export function holdsProcess({ processes, memoryUsedBytes }: Omit<UsageReading, 'kind' | 'busy'>): boolean | undefined {
  if (!Number.isNaN(processes)) return processes > 0;
  return Number.isNaN(memoryUsedBytes) ? undefined : memoryUsedBytes > BASELINE_BYTES;
}

/** The one class a judgement is shown as: the leaf with the largest share, at a tie the productive one. */
export function leadingClass(judgement: Judgement): LeafClass {
  switch (judgement.kind) {
    case 'whole':
      return judgement.class;
    case 'split':
      return judgement.productive >= 0.5 ? 'productive.compute' : 'starved.unknown';
    case 'faulty':
      return judgement.fault >= 0.5 ? 'out.fault' : leadingClass(judgement.rest);
  }
}

/** Milliseconds per class; they add up to `ms` exactly. */
export function shareOut(judgement: Judgement, ms: number): readonly (readonly [LeafClass, number])[] {
  switch (judgement.kind) {
    case 'whole':
      return [[judgement.class, ms]];
    case 'split': {
      const productive = Math.round(judgement.productive * ms);
      return [
        ['productive.compute', productive],
        ['starved.unknown', ms - productive],
      ];
    }
    case 'faulty': {
      const fault = Math.round(judgement.fault * ms);
      return [['out.fault', fault], ...shareOut(judgement.rest, ms - fault)];
    }
  }
}
