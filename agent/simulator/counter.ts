// A running count, as hardware keeps it: exact at any size, never falling. Fractions wait until they are whole.

const LOW_END = 1e12;
const LOW_DIGITS = 12;

export class Counter {
  /** In units of 1e12, so that the rest keeps its fraction to 1e-4. */
  #high: number;
  #low: number;
  readonly #ceiling: number;

  /** A counter with a ceiling stops there, as the narrow counters of InfiniBand do. */
  constructor(start = 0, ceiling = Infinity) {
    this.#high = Math.floor(start / LOW_END);
    this.#low = start - this.#high * LOW_END;
    this.#ceiling = ceiling;
  }

  add(amount: number): void {
    if (!(amount > 0)) return;
    this.#low += amount;
    if (this.#low >= LOW_END) {
      const carry = Math.floor(this.#low / LOW_END);
      this.#high += carry;
      this.#low -= carry * LOW_END;
    }
    if (this.#ceiling !== Infinity && this.#high * LOW_END + this.#low > this.#ceiling) {
      this.#high = Math.floor(this.#ceiling / LOW_END);
      this.#low = this.#ceiling - this.#high * LOW_END;
    }
  }

  get count(): bigint {
    return BigInt(this.#high) * BigInt(LOW_END) + BigInt(Math.floor(this.#low));
  }

  /** The count as a number, exact below 2^53. */
  get whole(): number {
    return this.#high * LOW_END + Math.floor(this.#low);
  }

  toString(): string {
    const low = String(Math.floor(this.#low));
    return this.#high === 0 ? low : `${this.#high}${low.padStart(LOW_DIGITS, '0')}`;
  }
}
