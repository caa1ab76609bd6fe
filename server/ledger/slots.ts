// The readings of one GPU by 10-s slot: the open ones and those of the minute before them.
// A slot is [n x 10 s, (n+1) x 10 s) of the server's unjumping clock, which is aligned to the wall clock at its start.
// A reading counts where it arrives: there is no backlog yet that could belong to an earlier slot.
import {
  holdsProcess,
  judgeSlot,
  unobserved,
  type GpuReading,
  type Judgement,
  type SlotReadings,
} from '../diagnosis/first-verdict.ts';

export const SLOT_MS = 10_000;
/** A slot is final this long after its end; as long a silence is tolerated before it counts as unobserved. */
export const SETTLE_MS = 30_000;

/** Open slots (at most 5) and the 5 before them that their 60-s means need. */
const KEPT = 12;
const MINUTE_SLOTS = 6;
const TOLERATED_SLOTS = SETTLE_MS / SLOT_MS;

/** Utilisation is added up in millionths, so that sums are exact. */
const PARTS = 1_000_000;

interface Slot {
  number: number;
  count: number;
  faults: number;
  busyParts: number;
  withProcess: boolean;
  withoutProcess: boolean;
  firstMs: number;
  lastMs: number;
}

export function slotOf(ms: number): number {
  return Math.floor(ms / SLOT_MS);
}

export class SlotRing {
  readonly #slots: Slot[] = Array.from({ length: KEPT }, () => emptySlot(-1));

  add(nowMs: number, reading: GpuReading): void {
    const number = slotOf(nowMs);
    const at = number % KEPT;
    let slot = this.#slots[at];
    if (slot?.number !== number) this.#slots[at] = slot = emptySlot(number);
    if (isEmpty(slot)) slot.firstMs = nowMs;
    slot.lastMs = nowMs;
    if (reading.kind === 'fault') {
      slot.faults++;
      return;
    }
    slot.count++;
    slot.busyParts += Math.round(Math.min(1, Math.max(0, reading.busy)) * PARTS);
    const held = holdsProcess(reading);
    if (held === true) slot.withProcess = true;
    if (held === false) slot.withoutProcess = true;
  }

  /** The verdict on a slot. One without readings is judged as the one before the gap, if the gap is tolerable. */
  judge(number: number, nowMs: number): Judgement {
    const own = this.#find(number);
    if (own) return judgeSlot(readingsOf(own), this.minuteUpTo(number));
    const before = this.#nearest(number, -1);
    if (!before) return unobserved;
    const after = this.#nearest(number, 1)?.firstMs ?? nowMs;
    if (after - before.lastMs >= SETTLE_MS) return unobserved;
    return judgeSlot(readingsOf(before), this.minuteUpTo(before.number));
  }

  /** Readings of usage of the 60 s that end with the slot. */
  minuteUpTo(number: number): { readonly count: number; readonly busySum: number } {
    let count = 0;
    let busyParts = 0;
    for (let one = number - MINUTE_SLOTS + 1; one <= number; one++) {
      const slot = this.#find(one);
      count += slot?.count ?? 0;
      busyParts += slot?.busyParts ?? 0;
    }
    return { count, busySum: busyParts / PARTS };
  }

  has(number: number): boolean {
    return this.#find(number) !== undefined;
  }

  #nearest(number: number, step: 1 | -1): Slot | undefined {
    for (let away = 1; away <= TOLERATED_SLOTS; away++) {
      const slot = this.#find(number + away * step);
      if (slot) return slot;
    }
    return undefined;
  }

  #find(number: number): Slot | undefined {
    const slot = this.#slots[((number % KEPT) + KEPT) % KEPT];
    return slot?.number === number && !isEmpty(slot) ? slot : undefined;
  }
}

function emptySlot(number: number): Slot {
  return {
    number,
    count: 0,
    faults: 0,
    busyParts: 0,
    withProcess: false,
    withoutProcess: false,
    firstMs: 0,
    lastMs: 0,
  };
}

function isEmpty({ count, faults }: Slot): boolean {
  return count + faults === 0;
}

function readingsOf({ count, faults, busyParts, withProcess, withoutProcess }: Slot): SlotReadings {
  return { count, faults, busySum: busyParts / PARTS, withProcess, withoutProcess };
}
