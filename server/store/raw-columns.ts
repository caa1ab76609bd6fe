// Readings of one series, from all sessions that had it, as the columns of an answer: every reading, or merged to steps.
import { reasonOfState, PRESENT, type FrameDecoder } from '#agent/contract';
import type { PublishedSeries } from '../fleet/schema.ts';
import type { QuerySeries } from './entries.ts';

/** What one chain says of one series; the times are those of the whole chain. */
export interface Piece {
  readonly times: Float64Array;
  /** Seconds that each gain is of. */
  readonly spans: Float64Array;
  readonly values: Float64Array;
  readonly exact: readonly string[] | undefined;
}

export type Columns = Pick<QuerySeries, 'times' | 'mean' | 'min' | 'max' | 'count' | 'exact'>;

/** A counter's gain per second, a gauge's level; NaN where there is none. */
export function readingOf({ index, row }: PublishedSeries, decoder: FrameDecoder, spanSeconds: number): number {
  if (decoder.states[index] !== PRESENT) return NaN;
  if (row.kind !== 'counter') return (decoder.steps[index] ?? NaN) / row.scale;
  const gained = decoder.gained[index] ?? NaN;
  // A count that went back was begun anew: what was gained meanwhile is not known.
  return gained >= 0 ? gained / row.scale / spanSeconds : NaN;
}

/** The whole count in steps as decimal text, or the reason why there is none. */
export function exactOf({ index }: PublishedSeries, decoder: FrameDecoder): string {
  const state = decoder.states[index] ?? PRESENT;
  return reasonOfState(state) ?? String(decoder.exact(index));
}

/** Pieces in any order. `stepMs` 0: every reading is a point. */
export function columnsOf(pieces: readonly Piece[], stepMs: number, isCounter: boolean): Columns {
  const one = joined(pieces);
  if (stepMs > 0) return merged(one, stepMs, isCounter);
  const { times, values: mean, exact } = one;
  const count = new Uint32Array(times.length).fill(1);
  return { times, mean, min: mean, max: mean, count, ...(exact ? { exact } : {}) };
}

/** One piece in order of time. */
function joined(pieces: readonly Piece[]): Piece {
  const [first] = pieces;
  if (first && pieces.length === 1 && isSorted(first.times)) return first;
  const sorted = pieces.toSorted((a, b) => (a.times[0] ?? 0) - (b.times[0] ?? 0));
  const times = concat(sorted.map((piece) => piece.times));
  const spans = concat(sorted.map((piece) => piece.spans));
  const values = concat(sorted.map((piece) => piece.values));
  const exact = sorted.some((piece) => piece.exact) ? sorted.flatMap((piece) => piece.exact ?? []) : undefined;
  if (isSorted(times)) return { times, spans, values, exact };
  // Readings that came late lie between others.
  const order = Array.from(times.keys()).toSorted((a, b) => (times[a] ?? 0) - (times[b] ?? 0));
  const pick = (column: Float64Array): Float64Array => Float64Array.from(order, (at) => column[at] ?? NaN);
  return {
    times: pick(times),
    spans: pick(spans),
    values: pick(values),
    exact: exact && order.map((at) => exact[at] ?? ''),
  };
}

function concat(columns: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(columns.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const column of columns) {
    all.set(column, at);
    at += column.length;
  }
  return all;
}

function isSorted(times: Float64Array): boolean {
  for (let at = 1; at < times.length; at++) if ((times[at] ?? 0) < (times[at - 1] ?? 0)) return false;
  return true;
}

/** A step ends with its time; one without any value stays as a point without one. */
function merged({ times, spans, values }: Piece, stepMs: number, isCounter: boolean): Columns {
  const points = new Points(times.length);
  let end = -Infinity;
  for (let at = 0; at < times.length; at++) {
    const time = times[at] ?? 0;
    if (time > end) {
      end = Math.ceil(time / stepMs) * stepMs;
      points.begin(end);
    }
    const value = values[at] ?? NaN;
    // A gain counts for as long as it took.
    if (!Number.isNaN(value)) points.add(value, isCounter ? (spans[at] ?? 1) : 1);
  }
  return points.finish();
}

class Points {
  #used = -1;
  readonly #times: Float64Array;
  readonly #mean: Float64Array;
  readonly #min: Float64Array;
  readonly #max: Float64Array;
  readonly #count: Uint32Array;
  #weight = 0;

  constructor(most: number) {
    this.#times = new Float64Array(most);
    this.#mean = new Float64Array(most);
    this.#min = new Float64Array(most).fill(NaN);
    this.#max = new Float64Array(most).fill(NaN);
    this.#count = new Uint32Array(most);
  }

  begin(time: number): void {
    this.#end();
    this.#times[++this.#used] = time;
  }

  add(value: number, weight: number): void {
    const at = this.#used;
    this.#mean[at] = (this.#mean[at] ?? 0) + value * weight;
    this.#weight += weight;
    const isFirst = this.#count[at] === 0;
    if (isFirst || value < (this.#min[at] ?? NaN)) this.#min[at] = value;
    if (isFirst || value > (this.#max[at] ?? NaN)) this.#max[at] = value;
    this.#count[at] = (this.#count[at] ?? 0) + 1;
  }

  finish(): Columns {
    this.#end();
    const length = this.#used + 1;
    return {
      times: this.#times.slice(0, length),
      mean: this.#mean.slice(0, length),
      min: this.#min.slice(0, length),
      max: this.#max.slice(0, length),
      count: this.#count.slice(0, length),
    };
  }

  #end(): void {
    if (this.#used >= 0)
      this.#mean[this.#used] = this.#weight > 0 ? (this.#mean[this.#used] ?? NaN) / this.#weight : NaN;
    this.#weight = 0;
  }
}
