// Chunks of a stream → whole lines. Bytes are joined before they become text, so that no character is cut in two.

const NEWLINE = 10;

export class LineSplitter {
  readonly #maxBytes: number;
  readonly #onLine: (line: string) => void;
  #rest: Buffer[] = [];
  #restBytes = 0;

  constructor(maxBytes: number, onLine: (line: string) => void) {
    this.#maxBytes = maxBytes;
    this.#onLine = onLine;
  }

  /** False as soon as a line is longer than allowed. */
  add(chunk: Buffer): boolean {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      if (this.#restBytes + end - start > this.#maxBytes) return false;
      this.#emit(chunk.subarray(start, end));
      start = end + 1;
    }
    if (start < chunk.length) this.#keep(chunk.subarray(start));
    return this.#restBytes <= this.#maxBytes;
  }

  /** What stands behind the last newline. */
  flush(): void {
    if (this.#restBytes > 0) this.#emit(Buffer.alloc(0));
  }

  #keep(bytes: Buffer): void {
    this.#rest.push(bytes);
    this.#restBytes += bytes.length;
  }

  #emit(bytes: Buffer): void {
    const line = this.#rest.length === 0 ? bytes : Buffer.concat([...this.#rest, bytes]);
    this.#rest = [];
    this.#restBytes = 0;
    this.#onLine(line.toString('utf8').replace(/\r$/, ''));
  }
}
