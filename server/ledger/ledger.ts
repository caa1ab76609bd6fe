// The accounts of all GPUs, those of GPUs that are gone included, kept over restarts: a snapshot of all is saved after each
// booking, and only what is saved is shown.
import { GpuAccount, type AccountName, type BookedBefore, type Booking } from './account.ts';
import type { BookKey } from './book-key.ts';
import { decodeSnapshot, encodeSnapshot, type SavedAccount } from './snapshot.ts';

/** A snapshot to be saved. */
export interface Unsaved {
  readonly bytes: Uint8Array;
  /** Shows what it holds: once it is saved, or if it cannot be. */
  publish(): void;
}

export class Ledger {
  /** Of this life of the server and all before it. */
  readonly #totals: Map<BookKey, number>;
  #publishedTotals: ReadonlyMap<BookKey, number>;
  readonly #accounts = new Map<string, { readonly name: AccountName; readonly account: GpuAccount }>();
  /** Of GPUs that have not come back yet. */
  readonly #before: Map<string, SavedAccount>;
  #changed = false;
  #saving = false;

  /** `saved` is a snapshot. One that cannot be read is as none: the counts begin anew. */
  constructor(saved?: Uint8Array) {
    const snapshot = saved && decodeSnapshot(saved);
    this.#totals = new Map(snapshot?.totals);
    this.#publishedTotals = new Map(this.#totals);
    this.#before = new Map(snapshot?.accounts.map((one) => [keyOf(one), one]));
  }

  open(name: AccountName, nowMs: number): GpuAccount {
    const key = keyOf(name);
    const before: BookedBefore | undefined = this.#before.get(key);
    this.#before.delete(key);
    const onBooked = (booking: Booking): void => {
      this.#totals.set(booking.key, (this.#totals.get(booking.key) ?? 0) + booking.ms);
      this.#changed = true;
    };
    const account = new GpuAccount(nowMs, onBooked, before);
    this.#accounts.set(key, { name, account });
    return account;
  }

  /** The GPU is gone for good; what was booked stays in the totals. */
  close(name: AccountName, nowMs: number): void {
    this.#accounts.get(keyOf(name))?.account.close(nowMs);
    this.#accounts.delete(keyOf(name));
  }

  /** Milliseconds booked per class, all GPUs ever seen, as far as they are saved. */
  get totals(): ReadonlyMap<BookKey, number> {
    return this.#publishedTotals;
  }

  /** What was booked since the last time; nothing while that is still being saved. */
  unsaved(): Unsaved | undefined {
    if (!this.#changed || this.#saving) return undefined;
    this.#changed = false;
    this.#saving = true;
    const totals = new Map(this.#totals);
    const copies = [...this.#accounts.values()].map(({ account }) => ({ account, booked: new Map(account.booked) }));
    return {
      bytes: this.#snapshot(),
      publish: () => {
        this.#saving = false;
        this.#publishedTotals = totals;
        for (const { account, booked } of copies) account.published = booked;
      },
    };
  }

  #snapshot(): Uint8Array {
    const open = [...this.#accounts.values()].map(({ name, account }) => ({
      ...name,
      firstSeenMs: account.firstSeenMs,
      bookedUntilMs: account.bookedUntilMs,
      booked: account.booked,
    }));
    return encodeSnapshot({ totals: this.#totals, accounts: [...open, ...this.#before.values()] });
  }
}

function keyOf({ node, gpu, uuid }: AccountName): string {
  return JSON.stringify([node, gpu, uuid]);
}
