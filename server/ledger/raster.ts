// The final class of every GPU and 10-s slot of the last day, a byte each: what time travel is drawn from. In memory; hours that are
// over are kept in files.
import { leafClasses, type LeafClass } from '#server/contract';
import type { GpuJudgement } from '../diagnosis/judge.ts';
import { SLOT_S } from '../diagnosis/slot.ts';

const SLOT_MS = SLOT_S * 1000;
const SLOTS_KEPT = 8640;
/** Of a slot that nobody judged. */
export const NOTHING = 255;

const numbers = new Map<LeafClass, number>(leafClasses.map((leaf, number) => [leaf, number]));

export interface RasterRow {
  readonly node: string;
  readonly gpu: string;
  readonly uuid: string;
  /** A byte per slot, from the asked time on. */
  readonly classes: Uint8Array;
}

interface Row {
  readonly node: string;
  readonly gpu: string;
  readonly uuid: string;
  readonly ring: Uint8Array;
  /** Slot that the newest byte stands for. */
  newest: number;
}

export class Raster {
  readonly #rows = new Map<string, Row>();

  take(slot: number, judgements: readonly GpuJudgement[]): void {
    for (const { node, gpu, uuid, verdict } of judgements) {
      const key = `${node}\n${uuid}`;
      let row = this.#rows.get(key);
      if (!row)
        this.#rows.set(
          key,
          (row = { node, gpu, uuid, ring: new Uint8Array(SLOTS_KEPT).fill(NOTHING), newest: slot - 1 }),
        );
      // Slots that were passed over.
      for (let missed = Math.max(row.newest + 1, slot - SLOTS_KEPT); missed < slot; missed++)
        row.ring[missed % SLOTS_KEPT] = NOTHING;
      row.ring[slot % SLOTS_KEPT] = numbers.get(verdict.class) ?? NOTHING;
      row.newest = slot;
    }
  }

  /** From and to rounded to slots; at most a day. */
  read(
    fromMs: number,
    toMs: number,
  ): { readonly fromMs: number; readonly slots: number; readonly rows: readonly RasterRow[] } {
    const last = Math.max(...[...this.#rows.values()].map(({ newest }) => newest), 0);
    const to = Math.min(Math.floor(toMs / SLOT_MS), last + 1);
    const from = Math.max(Math.floor(fromMs / SLOT_MS), to - SLOTS_KEPT, last + 1 - SLOTS_KEPT);
    const slots = Math.max(0, to - from);
    const rows = [...this.#rows.values()].map(({ node, gpu, uuid, ring, newest }) => ({
      ...{ node, gpu, uuid },
      classes: Uint8Array.from({ length: slots }, (_, at) => {
        const slot = from + at;
        return slot > newest || slot <= newest - SLOTS_KEPT ? NOTHING : (ring[slot % SLOTS_KEPT] ?? NOTHING);
      }),
    }));
    return { fromMs: from * SLOT_MS, slots, rows };
  }
}
