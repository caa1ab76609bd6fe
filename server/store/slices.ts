// Long work in slices, so that what is urgent comes between.
import { setImmediate } from 'node:timers/promises';

const SLICE_MS = 15;

export class Slices {
  #begunMs = performance.now();

  get isOver(): boolean {
    return performance.now() - this.#begunMs > SLICE_MS;
  }

  /** Lets others run; a new slice begins. */
  async rest(): Promise<void> {
    await setImmediate();
    this.#begunMs = performance.now();
  }
}
