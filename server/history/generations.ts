// What has been added up and is not in the files yet. A generation ends when the first live reading of a new minute comes; it is
// then written as a whole together with the position of its last record, so that after a crash the journal is read on from
// there and nothing is counted twice.
import type { FrameDecoder } from '#agent/contract';
import type { DecodedSession } from '../store/consumer.ts';
import type { GapEntry } from '../store/entries.ts';
import { keptSeriesOf, MINUTE_MS, MinuteAccumulator, type KeptSeries } from './accumulator.ts';

/** A generation without live readings ends after so long. */
const LONGEST_MS = 120_000;

export class Generation {
  readonly minute: number;
  readonly begunMs: number;
  readonly gaps: GapEntry[] = [];
  readonly #accumulators = new Map<DecodedSession, Map<number, MinuteAccumulator>>();

  constructor(minute: number, begunMs: number) {
    this.minute = minute;
    this.begunMs = begunMs;
  }

  get isEmpty(): boolean {
    return this.#accumulators.size === 0 && this.gaps.length === 0;
  }

  *accumulators(): Generator<MinuteAccumulator> {
    for (const ofSession of this.#accumulators.values()) yield* ofSession.values();
  }

  accumulator(session: DecodedSession, series: () => KeptSeries, minute: number): MinuteAccumulator {
    let ofSession = this.#accumulators.get(session);
    if (!ofSession) this.#accumulators.set(session, (ofSession = new Map<number, MinuteAccumulator>()));
    let found = ofSession.get(minute);
    if (!found) ofSession.set(minute, (found = new MinuteAccumulator(session, series(), minute)));
    return found;
  }
}

/** A generation that is over, and the position up to which everything is in it or before it. */
export interface Finished {
  readonly generation: Generation;
  readonly watermark: number;
}

export class Generations {
  readonly #series = new Map<DecodedSession, KeptSeries>();
  readonly #nowMs: () => number;
  #current: Generation;
  #finished: Finished[] = [];

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#current = new Generation(0, nowMs());
  }

  get finished(): readonly Finished[] {
    return this.#finished;
  }

  sample(
    session: DecodedSession,
    decoder: FrameDecoder,
    reading: { readonly timeMs: number; readonly spanSeconds: number; readonly position: number },
  ): void {
    const { timeMs, spanSeconds, position } = reading;
    const minute = Math.floor(timeMs / MINUTE_MS);
    if (!session.backlog && minute > this.#current.minute) this.#finish(minute, position - 1);
    const series = (): KeptSeries => {
      let known = this.#series.get(session);
      if (!known) this.#series.set(session, (known = keptSeriesOf(session)));
      return known;
    };
    this.#current.accumulator(session, series, minute).add(decoder, { timeMs, spanSeconds });
  }

  gap(gap: GapEntry): void {
    this.#current.gaps.push(gap);
  }

  /** Everything up to the position has been seen. */
  settle(position: number): void {
    if (!this.#current.isEmpty && this.#nowMs() - this.#current.begunMs > LONGEST_MS)
      this.#finish(this.#current.minute, position);
  }

  written(finished: Finished): void {
    this.#finished = this.#finished.filter((one) => one !== finished);
  }

  forget(session: DecodedSession): void {
    this.#series.delete(session);
  }

  /** All that is not in the files yet. */
  *unwritten(): Generator<MinuteAccumulator> {
    for (const { generation } of this.#finished) yield* generation.accumulators();
    yield* this.#current.accumulators();
  }

  *unwrittenGaps(): Generator<GapEntry> {
    for (const { generation } of this.#finished) yield* generation.gaps;
    yield* this.#current.gaps;
  }

  #finish(minute: number, watermark: number): void {
    if (!this.#current.isEmpty) this.#finished.push({ generation: this.#current, watermark });
    this.#current = new Generation(minute, this.#nowMs());
  }
}
