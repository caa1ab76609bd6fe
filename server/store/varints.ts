// Columns of small differences as bytes: varints of 7 bits with the lowest first, signed ones zig-zag.

export class VarintWriter {
  #bytes = new Uint8Array(64);
  #at = 0;

  get length(): number {
    return this.#at;
  }

  /** A view, good until the next number is written. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#at);
  }

  unsigned(value: number): void {
    if (this.#at + 8 > this.#bytes.length) this.#grow();
    let rest = value;
    while (rest >= 128) {
      // Bit operators would cut the number to 32 bits.
      this.#bytes[this.#at++] = (rest % 128) + 128;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.#at++] = rest;
  }

  signed(value: number): void {
    this.unsigned(value >= 0 ? value * 2 : -value * 2 - 1);
  }

  #grow(): void {
    const grown = new Uint8Array(this.#bytes.length * 2);
    grown.set(this.#bytes);
    this.#bytes = grown;
  }
}

/** Reads what a VarintWriter wrote; the bytes have been checked as a whole. */
export class VarintReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  unsigned(): number {
    let value = 0;
    let factor = 1;
    for (;;) {
      const byte = this.#bytes[this.#at++] ?? 0;
      if (byte < 128) return value + byte * factor;
      value += (byte - 128) * factor;
      factor *= 128;
    }
  }

  signed(): number {
    const value = this.unsigned();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
}
