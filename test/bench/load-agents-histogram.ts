// Times in steps of 2 %, so that those of several processes can be added up.

const GROWTH = Math.log(1.02);
const SMALLEST_MS = 0.01;
const BUCKETS = 900;

export class Histogram {
  readonly counts: number[];

  constructor(counts: readonly number[] = []) {
    this.counts = Array.from({ length: BUCKETS }, (_, at) => counts[at] ?? 0);
  }

  record(ms: number): void {
    const bucket = Math.ceil(Math.log(Math.max(ms, SMALLEST_MS) / SMALLEST_MS) / GROWTH);
    const at = Math.min(BUCKETS - 1, bucket);
    this.counts[at] = (this.counts[at] ?? 0) + 1;
  }

  add(other: Histogram): void {
    for (const [at, count] of other.counts.entries()) this.counts[at] = (this.counts[at] ?? 0) + count;
  }

  /** NaN where nothing was recorded. */
  quantile(share: number): number {
    const wanted = Math.ceil(this.counts.reduce((sum, count) => sum + count, 0) * share);
    if (wanted === 0) return NaN;
    let seen = 0;
    const at = this.counts.findIndex((count) => (seen += count) >= wanted);
    return SMALLEST_MS * Math.exp(at * GROWTH);
  }
}
