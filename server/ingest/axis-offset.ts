// How far the axis of an agent's frame times is from the server's unjumping clock. A frame is always late, never early,
// so the smallest difference of the last frames is the one with the least delay in it.

const FRAMES = 30;

export class AxisOffset {
  readonly #differences: number[] = [];
  #next = 0;
  #least: number | undefined;

  add(axisMs: number, receivedMs: number): void {
    const difference = receivedMs - axisMs;
    const replaced = this.#differences[this.#next];
    this.#differences[this.#next] = difference;
    this.#next = (this.#next + 1) % FRAMES;
    if (this.#least === undefined || difference < this.#least) this.#least = difference;
    // Only when the least one leaves must it be looked for.
    else if (replaced === this.#least) this.#least = Math.min(...this.#differences);
  }

  /** To be added to a time on the axis; undefined before the first frame. */
  get ms(): number | undefined {
    return this.#least;
  }
}
