// Bytes of a frame, one field after another: little-endian, varints of 7 bits with the lowest first.

/** What arrived is no frame, or not the next one. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
}

/** Varints hold at most 2^53 − 1. */
const MAX_VARINT_BYTES = 8;

export class FrameWriter {
  #buffer = new Uint8Array(4096);
  #view = new DataView(this.#buffer.buffer);
  #at = 0;

  start(): void {
    this.#at = 0;
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    return this.#buffer.slice(0, this.#at);
  }

  byte(value: number): void {
    this.#room(1);
    this.#buffer[this.#at++] = value;
  }

  varint(value: number): void {
    this.#room(MAX_VARINT_BYTES);
    let rest = value;
    while (rest >= 128) {
      // Bit operators would cut the number to 32 bits.
      this.#buffer[this.#at++] = (rest % 128) + 128;
      rest = Math.floor(rest / 128);
    }
    this.#buffer[this.#at++] = rest;
  }

  int64(value: bigint): void {
    this.#room(8);
    this.#view.setBigInt64(this.#at, value, true);
    this.#at += 8;
  }

  /** Room for a bitmap, all bits 0; gives its place. */
  reserve(length: number): number {
    this.#room(length);
    const start = this.#at;
    this.#buffer.fill(0, start, start + length);
    this.#at += length;
    return start;
  }

  setBit(start: number, index: number): void {
    const at = start + (index >> 3);
    this.#buffer[at] = (this.#buffer[at] ?? 0) | (1 << (index & 7));
  }

  #room(length: number): void {
    if (this.#at + length <= this.#buffer.length) return;
    const grown = new Uint8Array(Math.max(this.#buffer.length * 2, this.#at + length));
    grown.set(this.#buffer);
    this.#buffer = grown;
    this.#view = new DataView(grown.buffer);
  }
}

export class FrameReader {
  position = 0;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get atEnd(): boolean {
    return this.position === this.#bytes.length;
  }

  byte(): number {
    const value = this.#bytes[this.position];
    if (value === undefined) throw new FrameError('the frame ends too early');
    this.position++;
    return value;
  }

  varint(): number {
    let value = this.byte();
    if (value < 128) return value;
    value -= 128;
    let factor = 128;
    for (let length = 1; length < MAX_VARINT_BYTES; length++) {
      const byte = this.byte();
      value += (byte & 127) * factor;
      if (byte < 128) {
        if (Number.isSafeInteger(value)) return value;
        break;
      }
      factor *= 128;
    }
    throw new FrameError('a varint is too long');
  }

  /** A view of the next bytes, not a copy. */
  bytes(length: number): Uint8Array {
    const start = this.position;
    this.skip(length);
    return this.#bytes.subarray(start, this.position);
  }

  skip(length: number): void {
    if (this.position + length > this.#bytes.length) throw new FrameError('the frame ends too early');
    this.position += length;
  }

  int64(): bigint {
    this.skip(8);
    return this.#view.getBigInt64(this.position - 8, true);
  }

  uint64(): bigint {
    this.skip(8);
    return this.#view.getBigUint64(this.position - 8, true);
  }
}
