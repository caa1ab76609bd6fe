// The quiet level of a latency: a low percentile over hours in a histogram of fixed size, which slowly forgets.

const LOWEST_SECONDS = 1e-6;
const BUCKETS_PER_DECADE = 12;
const DECADES = 8;
const SIZE = BUCKETS_PER_DECADE * DECADES;

/** This share of all windows is quieter. */
export const QUIET_SHARE = 0.1;
/** Windows before a level is believed: ten minutes of work. */
export const QUIET_WINDOWS = 60;
/** What was seen so long ago counts half. */
export const HALF_LIFE_MS = 6 * 3_600_000;
const FORGET_EVERY_MS = 3_600_000;

export class QuietLevel {
  readonly #counts = new Float32Array(SIZE);
  #total = 0;
  #seen = 0;
  #forgotMs: number | undefined;

  /** One window's mean. */
  add(seconds: number, nowMs: number): void {
    this.#forget(nowMs);
    const at = Math.floor(Math.log10(seconds / LOWEST_SECONDS) * BUCKETS_PER_DECADE);
    const bucket = Math.max(0, Math.min(SIZE - 1, at));
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#total++;
    this.#seen++;
  }

  /** Seconds; NaN before enough was seen. */
  get seconds(): number {
    if (this.#seen < QUIET_WINDOWS) return NaN;
    const wanted = this.#total * QUIET_SHARE;
    let below = 0;
    for (const [bucket, count] of this.#counts.entries()) {
      if (count > 0 && below + count >= wanted) return valueAt(bucket + (wanted - below) / count);
      below += count;
    }
    return NaN;
  }

  #forget(nowMs: number): void {
    this.#forgotMs ??= nowMs;
    const forMs = nowMs - this.#forgotMs;
    if (forMs < FORGET_EVERY_MS) return;
    const kept = 0.5 ** (forMs / HALF_LIFE_MS);
    for (const [bucket, count] of this.#counts.entries()) this.#counts[bucket] = count * kept;
    this.#total *= kept;
    this.#forgotMs = nowMs;
  }
}

const valueAt = (bucket: number): number => LOWEST_SECONDS * 10 ** (bucket / BUCKETS_PER_DECADE);
