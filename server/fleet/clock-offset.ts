// How far a node's clock is from ours. A frame is always late, never early, so the largest difference of the last
// frames is the one with the least delay in it.

const FRAMES = 30;

export class ClockOffset {
  readonly #differences: number[] = [];
  #next = 0;

  add(nodeMs: number, serverMs: number): void {
    this.#differences[this.#next] = nodeMs - serverMs;
    this.#next = (this.#next + 1) % FRAMES;
  }

  get ms(): number | undefined {
    return this.#differences.length === 0 ? undefined : Math.max(...this.#differences);
  }
}
