// The accounts of all GPUs, those of GPUs that are gone included, kept over restarts: a snapshot of all is saved after each
// booking, and only what is saved is shown.
import { GpuAccount, type AccountName, type BookedBefore, type Booking } from './account.ts';
import type { BookKey } from './book-key.ts';
import { HOUR_MS, HourBook, type Cell } from './hour-book.ts';
import type { HourFiles } from './hour-files.ts';
import { decodeSnapshot, encodeSnapshot, type SavedAccount } from './snapshot.ts';

/** A snapshot to be saved. */
export interface Unsaved {
  readonly bytes: Uint8Array;
  /** Shows what it holds: once it is saved, or if it cannot be. */
  publish(): void;
}

/** Nothing is booked any more into an hour that ended so long ago. */
const FINAL_AFTER_MS = 5 * 60_000;

export class Ledger {
  /** Of this life of the server and all before it. */
  readonly #totals: Map<BookKey, number>;
  #publishedTotals: ReadonlyMap<BookKey, number>;
  readonly #accounts = new Map<string, { readonly name: AccountName; readonly account: GpuAccount }>();
  /** Of GPUs that have not come back yet. */
  readonly #before: Map<string, SavedAccount>;
  readonly #hours: HourBook;
  readonly #files: HourFiles | undefined;
  #changed = false;
  #saving = false;

  /** `saved` is a snapshot. One that cannot be read is as none: the counts begin anew. */
  constructor(saved?: Uint8Array, files?: HourFiles) {
    const snapshot = saved && decodeSnapshot(saved);
    this.#totals = new Map(snapshot?.totals);
    this.#publishedTotals = new Map(this.#totals);
    this.#hours = new HourBook(snapshot?.hours, (hourMs) => files?.read(hourMs) ?? []);
    this.#files = files;
    this.#before = new Map(snapshot?.accounts.map((one) => [keyOf(one), one]));
  }

  open(name: AccountName, nowMs: number): GpuAccount {
    const key = keyOf(name);
    const before: BookedBefore | undefined = this.#before.get(key);
    this.#before.delete(key);
    const onBooked = (booking: Booking): void => {
      this.#totals.set(booking.key, (this.#totals.get(booking.key) ?? 0) + booking.ms);
      this.#hours.add(name, booking);
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

  /** All time that was booked in the hours that hold this span. */
  cells(
    fromMs: number,
    toMs: number,
  ): { readonly fromMs: number; readonly toMs: number; readonly cells: readonly Cell[] } {
    const from = Math.floor(fromMs / HOUR_MS) * HOUR_MS;
    const to = Math.ceil(toMs / HOUR_MS) * HOUR_MS;
    const open = this.#hours.open.filter(([hourMs]) => hourMs >= from && hourMs < to);
    const inMemory = new Set(open.map(([hourMs]) => hourMs));
    const onDisk = (this.#files?.hours() ?? []).filter(
      (hourMs) => hourMs >= from && hourMs < to && !inMemory.has(hourMs),
    );
    const cells = [...onDisk.flatMap((hourMs) => this.#files?.read(hourMs) ?? []), ...open.flatMap(([, some]) => some)];
    return { fromMs: from, toMs: to, cells };
  }

  /** Puts hours into files that have long been over. A snapshot follows that no longer holds them. */
  fileHours(nowMs: number): void {
    if (!this.#files) return;
    for (const hourMs of this.#hours.endedBefore(nowMs - FINAL_AFTER_MS)) {
      this.#files.write(hourMs, this.#hours.cellsOf(hourMs));
      this.#hours.forget(hourMs);
      this.#changed = true;
    }
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
    return encodeSnapshot({
      totals: this.#totals,
      accounts: [...open, ...this.#before.values()],
      hours: this.#hours.open,
    });
  }
}

function keyOf({ node, gpu, uuid }: AccountName): string {
  return JSON.stringify([node, gpu, uuid]);
}
