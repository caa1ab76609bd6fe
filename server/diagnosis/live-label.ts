// The label of now: it changes when enough 10-s steps agree, so that it does not flicker. detection.md §3.1.
import type { Cause } from '#server/contract';
import { unobserved, type Verdict } from './verdict.ts';

const ENTER = 3;
const LEAVE = 6;
const STAY = 6;

/** Seen, not concluded: told at once. */
const evident: ReadonlySet<Cause> = new Set<Cause>(['fault', 'unobserved', 'free', 'planned']);

export class LiveLabel {
  #verdict: Verdict = unobserved;
  #sinceSlot = 0;
  #pending: Cause | undefined;
  #agreed = 0;
  #away = 0;

  get verdict(): Verdict {
    return this.#verdict;
  }
  get sinceSlot(): number {
    return this.#sinceSlot;
  }

  take(slot: number, found: Verdict): Verdict {
    if (found.cause === this.#verdict.cause) {
      this.#verdict = found;
      this.#away = 0;
      this.#agreed = 0;
      this.#pending = undefined;
      return found;
    }
    this.#away++;
    this.#agreed = found.cause === this.#pending ? this.#agreed + 1 : 1;
    this.#pending = found.cause;
    if (!this.#mayChange(slot, found.cause)) return this.#verdict;
    this.#verdict = found;
    this.#sinceSlot = slot - this.#agreed + 1;
    this.#away = 0;
    this.#agreed = 0;
    this.#pending = undefined;
    return found;
  }

  #mayChange(slot: number, to: Cause): boolean {
    const from = this.#verdict.cause;
    if (evident.has(to) || evident.has(from)) return true;
    if (slot - this.#sinceSlot < STAY) return false;
    return this.#agreed >= (from === 'none' || to !== 'none' ? ENTER : LEAVE);
  }
}
