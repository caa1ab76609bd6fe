// One growing buffer that a metrics page is written into, reused from page to page once the last one has been sent.

/** A finished page. Its bytes are valid until it is given back; one that never is costs the next page a new buffer. */
export interface Page {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly giveBack: () => void;
}

const POWERS = Array.from({ length: 16 }, (_, power) => 10 ** power);

export class PageBuffer {
  #bytes: Buffer<ArrayBuffer> = Buffer.allocUnsafe(1 << 20);
  #at = 0;
  #lent: Buffer | undefined;

  start(): void {
    if (this.#lent === this.#bytes) this.#bytes = Buffer.allocUnsafe(this.#bytes.length);
    this.#at = 0;
  }

  /** Lends what was written since `start`. */
  finish(): Page {
    const lent = this.#bytes;
    this.#lent = lent;
    return {
      bytes: new Uint8Array(lent.buffer, lent.byteOffset, this.#at),
      giveBack: () => {
        if (this.#lent === lent) this.#lent = undefined;
      },
    };
  }

  text(text: string): void {
    // A UTF-16 unit is at most three bytes of UTF-8.
    this.#room(text.length * 3);
    this.#at += this.#bytes.write(text, this.#at, 'utf8');
  }

  /** A part of another buffer. */
  copy(source: Buffer, start: number, end: number): void {
    this.#room(end - start);
    source.copy(this.#bytes, this.#at, start, end);
    this.#at += end - start;
  }

  /** Whole steps of 10^-digits as a decimal number and the end of the line. Exact; `steps` is a safe integer. */
  value(steps: number, digits: number): void {
    this.#room(24);
    let rest = steps;
    if (rest < 0) {
      this.#byte(45);
      rest = -rest;
    }
    const scale = POWERS[digits] ?? 1;
    const whole = digits === 0 ? rest : Math.floor(rest / scale);
    this.#digits(whole, digitsOf(whole));
    const fraction = rest - whole * scale;
    if (fraction > 0) this.#fraction(fraction, digits);
    this.#byte(10);
  }

  #fraction(fraction: number, digits: number): void {
    let part = fraction;
    let length = digits;
    while (part % 10 === 0) {
      part /= 10;
      length--;
    }
    this.#byte(46);
    this.#digits(part, length);
  }

  #digits(value: number, length: number): void {
    const bytes = this.#bytes;
    const start = this.#at;
    let at = start + length;
    let rest = value;
    // Integer arithmetic is three times as fast; nine digits at a time fit it.
    while (rest >= 1e9) {
      const high = Math.floor(rest / 1e9);
      let low = (rest - high * 1e9) | 0;
      for (const end = at - 9; at > end; low = (low / 10) | 0) bytes[--at] = 48 + (low % 10);
      rest = high;
    }
    let low = rest | 0;
    while (at > start) {
      bytes[--at] = 48 + (low % 10);
      low = (low / 10) | 0;
    }
    this.#at = start + length;
  }

  #byte(byte: number): void {
    this.#bytes[this.#at++] = byte;
  }

  #room(length: number): void {
    if (this.#at + length <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#at + length));
    this.#bytes.copy(grown, 0, 0, this.#at);
    this.#bytes = grown;
  }
}

function digitsOf(value: number): number {
  let length = 1;
  while (length < 16 && value >= (POWERS[length] ?? Infinity)) length++;
  return length;
}
