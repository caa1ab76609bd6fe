// One growing buffer that a metrics page is written into, reused from page to page.

const POWERS = Array.from({ length: 16 }, (_, power) => 10 ** power);

export class PageBuffer {
  #bytes = Buffer.allocUnsafe(1 << 20);
  #at = 0;

  start(): void {
    this.#at = 0;
  }

  /** What was written since `start`, as the caller's own. */
  finish(): Buffer<ArrayBuffer> {
    return Buffer.from(this.#bytes.subarray(0, this.#at));
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
    let rest = value;
    const bytes = this.#bytes;
    for (let at = this.#at + length - 1; at >= this.#at; at--) {
      const tenth = rest < 2 ** 31 ? (rest / 10) | 0 : Math.floor(rest / 10);
      bytes[at] = 48 + (rest - tenth * 10);
      rest = tenth;
    }
    this.#at += length;
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
