// A set of whole numbers as ranges: which frames of one agent process have arrived, are acknowledged, or are missing.

/** Both ends are in it. */
export type SeqRange = readonly [from: number, to: number];

export class SeqSet {
  /** Sorted, apart by at least one missing number. */
  #ranges: [number, number][];

  constructor(ranges: Iterable<SeqRange> = []) {
    this.#ranges = [];
    for (const [from, to] of ranges) this.add(from, to);
  }

  get isEmpty(): boolean {
    return this.#ranges.length === 0;
  }
  get ranges(): readonly SeqRange[] {
    return this.#ranges;
  }
  get first(): number | undefined {
    return this.#ranges[0]?.[0];
  }
  get last(): number | undefined {
    return this.#ranges.at(-1)?.[1];
  }
  get size(): number {
    return this.#ranges.reduce((sum, [from, to]) => sum + to - from + 1, 0);
  }

  has(seq: number): boolean {
    const range = this.#ranges[this.#indexOf(seq)];
    return range !== undefined && range[0] <= seq;
  }

  add(from: number, to = from): void {
    if (to < from) return;
    const last = this.#ranges.at(-1);
    // Nearly always it is the next number.
    if (last && from === last[1] + 1) {
      last[1] = to;
      return;
    }
    const first = this.#indexOf(from - 1);
    let end = first;
    let [low, high] = [from, to];
    for (let range = this.#ranges[end]; range && range[0] <= to + 1; range = this.#ranges[++end]) {
      low = Math.min(low, range[0]);
      high = Math.max(high, range[1]);
    }
    this.#ranges.splice(first, end - first, [low, high]);
  }

  remove(from: number, to = from): void {
    if (to < from) return;
    const first = this.#indexOf(from);
    let end = first;
    const left: [number, number][] = [];
    for (let range = this.#ranges[end]; range && range[0] <= to; range = this.#ranges[++end]) {
      if (range[0] < from) left.push([range[0], from - 1]);
      if (range[1] > to) left.push([to + 1, range[1]]);
    }
    this.#ranges.splice(first, end - first, ...left);
  }

  /** What of the range is not in the set. */
  missing(from: number, to: number): readonly SeqRange[] {
    const rest = new SeqSet([[from, to]]);
    for (const [low, high] of this.#ranges) rest.remove(low, high);
    return rest.ranges;
  }

  /** Index of the first range that ends at or after the number. */
  #indexOf(seq: number): number {
    let low = 0;
    let high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#ranges[middle]?.[1] ?? 0) < seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
