// How often a lane is read: each file may cost the adapter's firmware a query, so a pass that takes long makes the next ones rarer.

/** A pass may take this much of an interval of one second; longer ones are spread. */
const BUDGET_MS = 20;
/** However slow: a reading a minute tells more than none. */
const LONGEST_TURNS = 60;

export class Pace {
  #wait = 0;
  #every = 1;

  /** One reading in this many turns. */
  get every(): number {
    return this.#every;
  }

  /** Counts a turn; true if it is one to read in. */
  isDue(): boolean {
    if (this.#wait > 0) this.#wait--;
    return this.#wait === 0;
  }

  /** True if the distance to the next reading changed. */
  took(passMs: number): boolean {
    const before = this.#every;
    this.#every = turnsBetween(passMs);
    this.#wait = this.#every;
    return this.#every !== before;
  }
}

export function turnsBetween(passMs: number): number {
  return Math.min(LONGEST_TURNS, Math.max(1, Math.ceil(passMs / BUDGET_MS)));
}
