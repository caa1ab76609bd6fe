// Levels of the last seconds, for rates of counters that are read every few seconds only: from one second to the next such a
// counter stands still, then jumps.

/** Two readings of the medium lane. */
export const SPAN_MS = 10_000;
/** With less than one reading between both ends nothing is known. */
const LEAST_MS = 5000;

interface Reading {
  readonly timeMs: number;
  readonly levels: Float64Array;
  readonly states: Uint8Array;
}

export class RecentLevels {
  #readings: Reading[] = [];

  /** A node that is down repeats its last sample. */
  add(reading: Reading): void {
    const last = this.#readings.at(-1);
    if (last && reading.timeMs <= last.timeMs) return;
    this.#readings.push(reading);
    while ((this.#readings[1]?.timeMs ?? Infinity) <= reading.timeMs - SPAN_MS) this.#readings.shift();
  }

  /** Gain per second over the span; NaN before there is one, where a reading is missing, and after a reset. */
  rate(at: number): number {
    const [first] = this.#readings;
    const last = this.#readings.at(-1);
    if (!first || !last || last.timeMs - first.timeMs < LEAST_MS) return NaN;
    if (first.states[at] !== 0 || last.states[at] !== 0) return NaN;
    const gain = (last.levels[at] ?? NaN) - (first.levels[at] ?? NaN);
    return gain >= 0 ? (gain * 1000) / (last.timeMs - first.timeMs) : NaN;
  }
}
