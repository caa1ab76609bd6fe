// The clocks of the agent: ticks follow the monotonic one; samples are dated by it and one anchor of the wall clock.

export interface Clock {
  monotonicMs(): number;
  wallMs(): number;
  /** Calls once after the time; the returned function calls it off. */
  after(delayMs: number, call: () => void): () => void;
}

export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  after: (delayMs, call) => {
    const timer = setTimeout(call, delayMs);
    return () => {
      clearTimeout(timer);
    };
  },
};

/** A step of the wall clock that is no correction of small drift any more. */
const JUMP_MS = 1000;

/** Wall-clock time that moves with the monotonic clock: it never runs backwards unless somebody set the clock. */
export class SampleTime {
  readonly #clock: Clock;
  #anchorMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#anchorMs = clock.wallMs() - clock.monotonicMs();
  }

  /** Whole milliseconds since 1970. */
  nowMs(): number {
    const anchorMs = this.#clock.wallMs() - this.#clock.monotonicMs();
    if (Math.abs(anchorMs - this.#anchorMs) > JUMP_MS) this.#anchorMs = anchorMs;
    return Math.round(this.#anchorMs + this.#clock.monotonicMs());
  }
}
