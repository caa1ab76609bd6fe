// How far the axis of an agent's frame times is from the server's unjumping clock. A frame is always late, never early,
// so the smallest difference of the last frames is the one with the least delay in it.
// Clocks that agree to a second are taken as one: then a reading has the same time on every server that it gets to, and an
// engine that several of them write to sees one sample.

const FRAMES = 30;
const STEP_MS = 1000;

export class AxisOffset {
  readonly #differences: number[] = [];
  #next = 0;
  #least: number | undefined;
  #applied = 0;

  add(axisMs: number, receivedMs: number): void {
    const difference = receivedMs - axisMs;
    const replaced = this.#differences[this.#next];
    this.#differences[this.#next] = difference;
    this.#next = (this.#next + 1) % FRAMES;
    if (this.#least === undefined || difference < this.#least) this.#least = difference;
    // Only when the least one leaves must it be looked for.
    else if (replaced === this.#least) this.#least = Math.min(...this.#differences);
    if (Math.abs(this.#least - this.#applied) > STEP_MS) this.#applied = Math.round(this.#least / STEP_MS) * STEP_MS;
  }

  /** To be added to a time on the axis: whole seconds, 0 while the clocks agree. */
  get ms(): number {
    return this.#applied;
  }
}
