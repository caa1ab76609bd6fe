// The readings of one session in one minute, added up per series: count, weight, sum, lowest, highest. A row is partial: any
// number of rows of one minute can be merged, whoever wrote them.
import { PRESENT, type FrameDecoder } from '#agent/contract';
import type { DecodedSession } from '../store/consumer.ts';

export const MINUTE_MS = 60_000;

/** Which series of a session are kept over time: those with values. What something is (info rows) does not change by the minute. */
export interface KeptSeries {
  /** Positions among the session's published series. */
  readonly positions: readonly number[];
  /** Indexes in frames. */
  readonly indexes: Uint32Array;
  readonly scales: Float64Array;
  readonly isCounter: Uint8Array;
}

export function keptSeriesOf({ published }: DecodedSession): KeptSeries {
  const positions = published.flatMap(({ row }, at) => (row.kind === 'info' ? [] : [at]));
  const kept = positions.flatMap((at) => published[at] ?? []);
  return {
    positions,
    indexes: Uint32Array.from(kept, ({ index }) => index),
    scales: Float64Array.from(kept, ({ row }) => row.scale),
    isCounter: Uint8Array.from(kept, ({ row }) => (row.kind === 'counter' ? 1 : 0)),
  };
}

export class MinuteAccumulator {
  readonly session: DecodedSession;
  readonly series: KeptSeries;
  /** Since 1970. */
  readonly minute: number;
  readonly count: Uint32Array;
  /** Of the mean: readings, for counters the seconds that they cover. */
  readonly weight: Float64Array;
  /** Levels, for counters what was gained. */
  readonly sum: Float64Array;
  readonly min: Float32Array;
  readonly max: Float32Array;
  /** The newest value itself: of a counter its whole count. */
  readonly last: Float64Array;
  /** When the newest reading was taken. */
  lastMs = NaN;

  constructor(session: DecodedSession, series: KeptSeries, minute: number) {
    const size = series.indexes.length;
    this.session = session;
    this.series = series;
    this.minute = minute;
    this.count = new Uint32Array(size);
    this.weight = new Float64Array(size);
    this.sum = new Float64Array(size);
    this.min = new Float32Array(size).fill(Infinity);
    this.max = new Float32Array(size).fill(-Infinity);
    this.last = new Float64Array(size).fill(NaN);
  }

  add(
    { states, steps, gained }: FrameDecoder,
    { timeMs, spanSeconds }: { readonly timeMs: number; readonly spanSeconds: number },
  ): void {
    this.lastMs = timeMs;
    const { indexes, scales, isCounter } = this.series;
    const { count, weight, sum, min, max, last } = this;
    const rates = spanSeconds > 0;
    for (let at = 0; at < indexes.length; at++) {
      const index = indexes[at] ?? 0;
      if (states[index] !== PRESENT) continue;
      const scale = scales[at] ?? 1;
      const level = (steps[index] ?? 0) / scale;
      last[at] = level;
      let value = level;
      if (isCounter[at] === 1) {
        const gain = (gained[index] ?? NaN) / scale;
        // A count that fell was reset: what it gained nobody knows.
        if (!rates || !(gain >= 0)) continue;
        value = gain / spanSeconds;
        sum[at] = (sum[at] ?? 0) + gain;
        weight[at] = (weight[at] ?? 0) + spanSeconds;
      } else {
        sum[at] = (sum[at] ?? 0) + value;
        weight[at] = (weight[at] ?? 0) + 1;
      }
      count[at] = (count[at] ?? 0) + 1;
      if (value < (min[at] ?? Infinity)) min[at] = value;
      if (value > (max[at] ?? -Infinity)) max[at] = value;
    }
  }
}
