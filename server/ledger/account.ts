// Where the time of one GPU went: whole milliseconds per class, booked once per slot, 30 s after the slot's end.
// Invariant: the booked milliseconds add up to bookedUntilMs - firstSeenMs, exactly, whatever arrives or does not.
import type { JobFacts } from '#agent/contract';
import { leaves, type LeafClass, type Owner } from '#server/contract';
import { leadingClass, shareOut, type GpuReading, type Judgement } from '../diagnosis/first-verdict.ts';
import type { GpuJudgement } from '../diagnosis/judge.ts';
import { splitSlot } from '../diagnosis/split.ts';
import { bookKey, type BookKey } from './book-key.ts';
import { SETTLE_MS, SLOT_MS, slotOf, SlotRing } from './slots.ts';

/** A slot younger than this says less than the one before it. */
const HALF_SLOT_MS = SLOT_MS / 2;
/** Readings this old speak for no open slot any more. */
const FORGOTTEN_MS = 12 * SLOT_MS;

/** Who a GPU is. */
export interface AccountName {
  readonly node: string;
  readonly gpu: string;
  readonly uuid: string;
}

/** What an earlier life of the server had booked. */
export interface BookedBefore {
  readonly firstSeenMs: number;
  readonly bookedUntilMs: number;
  readonly booked: ReadonlyMap<BookKey, number>;
}

/** Some time of the GPU is put down to something. */
export interface Booking {
  readonly key: BookKey;
  readonly ms: number;
  readonly fromMs: number;
  /** Who had the GPU; undefined for nobody, or nobody knows. */
  readonly job: JobFacts | undefined;
}

/** How long the judge's last word is the word of now. */
const JUDGED_FOR_MS = 25_000;
const VERDICTS_KEPT = 8;

export class GpuAccount {
  readonly firstSeenMs: number;
  /** Only classes ever booked. */
  readonly booked: Map<BookKey, number>;
  /** What is booked and on disk: shown, because it never falls, however the server ends. */
  published: ReadonlyMap<BookKey, number>;
  readonly #slots = new SlotRing();
  readonly #onBooked: (booking: Booking) => void;
  /** Final words on slots that are not booked yet. */
  readonly #verdicts = new Map<number, GpuJudgement>();
  #live: { readonly judgement: GpuJudgement; readonly atMs: number } | undefined;
  #bookedUntilMs: number;
  #lastReadingMs: number | undefined;
  /** What the newest reading was. */
  #faulty = false;
  #class: LeafClass = 'unobserved';
  #sinceMs: number;
  #lowSinceMs: number | undefined;
  #minuteBusy = NaN;

  constructor(nowMs: number, onBooked: (booking: Booking) => void, before?: BookedBefore) {
    this.firstSeenMs = before?.firstSeenMs ?? nowMs;
    this.#bookedUntilMs = before?.bookedUntilMs ?? nowMs;
    this.#sinceMs = nowMs;
    this.booked = new Map(before?.booked);
    this.published = new Map(before?.booked);
    this.#onBooked = onBooked;
  }

  get bookedUntilMs(): number {
    return this.#bookedUntilMs;
  }
  /** The class of now, as the last `advance` found it. */
  get class(): LeafClass {
    return this.#class;
  }
  get owner(): Owner {
    return this.judgement?.verdict.owner ?? leaves[this.#class].owner;
  }
  /** What the judge says of now, if the class of now is its word. */
  get judgement(): GpuJudgement | undefined {
    return this.#live?.judgement.verdict.class === this.#class ? this.#live.judgement : undefined;
  }
  get sinceMs(): number {
    return this.#sinceMs;
  }
  /** Mean utilisation of the last minute; NaN without a reading in it. */
  get minuteBusy(): number {
    return this.#minuteBusy;
  }

  /** The label of now, and the final word on a slot. */
  judge(
    nowMs: number,
    live: GpuJudgement | undefined,
    final: { readonly slot: number; readonly judgement: GpuJudgement } | undefined,
  ): void {
    this.#live = live && { judgement: live, atMs: nowMs };
    if (final) this.#verdicts.set(final.slot, final.judgement);
    if (this.#verdicts.size > VERDICTS_KEPT) {
      const [oldest] = this.#verdicts.keys();
      if (oldest !== undefined) this.#verdicts.delete(oldest);
    }
  }

  observe(nowMs: number, reading: GpuReading): void {
    // First, so that no slot is pushed out of the ring before it is booked.
    this.#book(nowMs);
    // After a long silence it was unobserved in between, even if nobody looked.
    if (this.#lastReadingMs !== undefined && nowMs - this.#lastReadingMs >= SETTLE_MS) this.advance(nowMs);
    this.#slots.add(nowMs, reading);
    const first = this.#lastReadingMs === undefined;
    const turned = (reading.kind === 'fault') !== this.#faulty;
    this.#lastReadingMs = nowMs;
    this.#faulty = reading.kind === 'fault';
    if (turned) this.advance(nowMs);
    if (!first) return;
    this.advance(nowMs);
    if (nowMs - this.firstSeenMs < SETTLE_MS) this.#sinceMs = this.firstSeenMs;
  }

  /** A fault is over, and what the GPU does instead cannot be seen. */
  ceaseFault(nowMs: number): void {
    if (!this.#faulty) return;
    this.#faulty = false;
    this.advance(nowMs);
  }

  /** Books what has become final and says what the GPU does now. */
  advance(nowMs: number): void {
    this.#book(nowMs);
    const minute = this.#slots.minuteUpTo(slotOf(nowMs));
    this.#minuteBusy = minute.count > 0 ? minute.busySum / minute.count : NaN;
    const now = this.#classAt(nowMs);
    if (now === this.#class) return;
    this.#class = now;
    this.#sinceMs = nowMs;
  }

  /** How long, up to now, a held GPU has stayed below this utilisation; undefined while it does not. */
  lowSince(nowMs: number, below: number): number | undefined {
    const working = /^(?:productive|starved|comm|slowed)/.test(this.#class);
    if (working && this.#minuteBusy < below) this.#lowSinceMs ??= nowMs;
    else this.#lowSinceMs = undefined;
    return this.#lowSinceMs;
  }

  /** The GPU is gone for good: its open slots are booked up to now. */
  close(nowMs: number): void {
    this.#book(nowMs);
    while (this.#bookedUntilMs < nowMs) this.#bookNext(nowMs, nowMs);
  }

  #book(nowMs: number): void {
    const finalMs = nowMs - SETTLE_MS;
    this.#bookSilence(finalMs);
    while ((slotOf(this.#bookedUntilMs) + 1) * SLOT_MS <= finalMs) this.#bookNext(Infinity, nowMs);
  }

  /** A long time in which nothing was read, all but its end, at once: the server may have been down for days. */
  #bookSilence(finalMs: number): void {
    const silent = this.#lastReadingMs === undefined || this.#bookedUntilMs - this.#lastReadingMs > FORGOTTEN_MS;
    const end = slotOf(finalMs - FORGOTTEN_MS) * SLOT_MS;
    if (!silent || end - this.#bookedUntilMs <= FORGOTTEN_MS) return;
    this.#add({ key: 'unobserved', ms: end - this.#bookedUntilMs, fromMs: this.#bookedUntilMs, job: undefined });
    this.#bookedUntilMs = end;
  }

  #add(booking: Booking): void {
    const { key, ms } = booking;
    this.booked.set(key, (this.booked.get(key) ?? 0) + ms);
    this.#onBooked(booking);
  }

  /** Books one slot, or the part of it before `endMs`. */
  #bookNext(endMs: number, nowMs: number): void {
    const slot = slotOf(this.#bookedUntilMs);
    const end = Math.min((slot + 1) * SLOT_MS, endMs);
    const fromMs = this.#bookedUntilMs;
    const verdict = this.#verdicts.get(slot);
    const job = verdict?.job;
    for (const [key, ms] of shareSlot(this.#slots.judge(slot, nowMs), end - fromMs, verdict)) {
      if (ms !== 0) this.#add({ key, ms, fromMs, job });
    }
    this.#verdicts.delete(slot);
    this.#bookedUntilMs = end;
  }

  /** A fault is told at once, and that it is over as well; all else by the newest slot that says enough. */
  #classAt(nowMs: number): LeafClass {
    const lastMs = this.#lastReadingMs;
    if (lastMs === undefined || nowMs - lastMs >= SETTLE_MS) return 'unobserved';
    if (this.#faulty) return 'out.fault';
    const telling = this.#slots.judge(this.#tellingSlot(nowMs, lastMs), nowMs);
    const wasFault = telling.kind === 'whole' && telling.class === 'out.fault';
    const judgement = wasFault ? this.#slots.judge(slotOf(nowMs), nowMs) : telling;
    const found = leadingClass(judgement.kind === 'faulty' ? judgement.rest : judgement);
    return this.#judgedClass(nowMs) ?? (found === 'out.fault' ? 'unobserved' : found);
  }

  #judgedClass(nowMs: number): LeafClass | undefined {
    const live = this.#live;
    if (!live || nowMs - live.atMs > JUDGED_FOR_MS) return undefined;
    const { class: leaf } = live.judgement.verdict;
    // Both are told by the readings themselves.
    return leaf === 'unobserved' || leaf === 'out.fault' ? undefined : leaf;
  }

  /** The newest slot that has half its readings; a younger one only if there is no other. */
  #tellingSlot(nowMs: number, lastMs: number): number {
    const current = slotOf(nowMs);
    const young = nowMs - current * SLOT_MS < HALF_SLOT_MS && this.#slots.has(current - 1);
    return young || !this.#slots.has(current) ? slotOf(Math.min(lastMs, current * SLOT_MS - 1)) : current;
  }
}

/** Readings say whether the GPU was seen and sound; all between is for the judge to say, where it has. */
function shareSlot(
  judgement: Judgement,
  ms: number,
  verdict: GpuJudgement | undefined,
): readonly (readonly [BookKey, number])[] {
  if (!verdict || verdict.verdict.class === 'unobserved' || verdict.verdict.class === 'out.fault') {
    return shareOut(judgement, ms);
  }
  if (judgement.kind === 'whole' && (judgement.class === 'unobserved' || judgement.class === 'out.fault')) {
    return shareOut(judgement, ms);
  }
  const fault = judgement.kind === 'faulty' ? Math.round(judgement.fault * ms) : 0;
  const judged = splitSlot({ ...verdict, seen: 1 }, ms - fault);
  return [
    ['out.fault', fault],
    ...judged.map(({ class: leaf, owner, ms: part }) => [bookKey(leaf, owner), part] as const),
  ];
}
