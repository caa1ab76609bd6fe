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

/**
 * The axis that samples are dated on: the wall clock as it was at the start, plus the monotonic time since. It never jumps;
 * how far it is from the wall clock of now is told to the server.
 */
export class SampleTime {
  readonly #clock: Clock;
  readonly #anchorMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#anchorMs = clock.wallMs() - clock.monotonicMs();
  }

  /** Whole milliseconds since 1970. */
  nowMs(): number {
    return Math.round(this.#anchorMs + this.#clock.monotonicMs());
  }
}
