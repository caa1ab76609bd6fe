// What a program printed, up to a limit for both of its streams together.

export class Output {
  readonly #maxBytes: number;
  readonly #stdout: Buffer[] = [];
  readonly #stderr: Buffer[] = [];
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get isFull(): boolean {
    return this.#bytes > this.#maxBytes;
  }

  addStdout(chunk: Buffer): void {
    this.#add(this.#stdout, chunk);
  }

  addStderr(chunk: Buffer): void {
    this.#add(this.#stderr, chunk);
  }

  get stdout(): string {
    return Buffer.concat(this.#stdout).toString('utf8');
  }

  get stderr(): string {
    return Buffer.concat(this.#stderr).toString('utf8');
  }

  #add(to: Buffer[], chunk: Buffer): void {
    const room = this.#maxBytes - this.#bytes;
    this.#bytes += chunk.length;
    if (room > 0) to.push(chunk.subarray(0, room));
  }
}
