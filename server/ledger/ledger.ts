// The accounts of all GPUs, those of GPUs that are gone included.
// Counts start with the server: nothing is kept on disk yet.
import type { LeafClass } from '#server/contract';
import { GpuAccount } from './account.ts';

export class Ledger {
  readonly #totals = new Map<LeafClass, number>();

  open(nowMs: number): GpuAccount {
    return new GpuAccount(nowMs, (leaf, ms) => {
      this.#totals.set(leaf, (this.#totals.get(leaf) ?? 0) + ms);
    });
  }

  /** Milliseconds booked per class, all GPUs ever seen. */
  get totals(): ReadonlyMap<LeafClass, number> {
    return this.#totals;
  }
}
