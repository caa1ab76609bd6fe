// A clock that stands still until it is moved on. Timers fire in order while it passes them.
import type { Clock } from '../../agent/clock.ts';

interface Timer {
  readonly atMs: number;
  readonly call: () => void;
}

export class ManualClock implements Clock {
  /** What every timer is late by, as on a busy machine. */
  latenessMs = 0;
  #nowMs = 0;
  #wallOffsetMs: number;
  readonly #timers = new Set<Timer>();

  constructor(wallMs = 1_790_000_000_000) {
    this.#wallOffsetMs = wallMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#nowMs + this.#wallOffsetMs;
  }

  after(delayMs: number, call: () => void): () => void {
    const timer = { atMs: this.#nowMs + delayMs, call };
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
    };
  }

  /** Delays of the timers that wait, shortest first. */
  get waiting(): readonly number[] {
    return [...this.#timers].map(({ atMs }) => atMs - this.#nowMs).toSorted((a, b) => a - b);
  }

  /** Time goes by while something works: no timer fires. */
  pass(ms: number): void {
    this.#nowMs += ms;
  }

  /** Time goes by, timers fire; whatever they began with promises gets its turn between them. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    for (let next = this.#next(endMs); next; next = this.#next(endMs)) {
      this.#timers.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs + this.latenessMs);
      next.call();
      await settle();
    }
    this.#nowMs = Math.max(this.#nowMs, endMs);
    await settle();
  }

  /** Somebody sets the clock on the wall. */
  setWall(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }

  #next(endMs: number): Timer | undefined {
    const [first] = [...this.#timers].filter(({ atMs }) => atMs <= endMs).toSorted((a, b) => a.atMs - b.atMs);
    return first;
  }
}

/** Lets promises that are ready go on. */
export function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
