// When to connect again: from one second to a minute, with jitter; far slower where an account may be locked out.
import type { SshFailureKind } from './failure.ts';

const FIRST_MS = 1000;
const LAST_MS = 60_000;
const FIRST_REFUSED_MS = 60_000;
const LAST_REFUSED_MS = 900_000;

export class BackOff {
  readonly #random: () => number;
  #failures = 0;
  #refusals = 0;

  /** random gives 0 to 1. */
  constructor(random: () => number) {
    this.#random = random;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#refusals = 0;
  }

  /** How long to wait after one more failure. */
  next(kind: SshFailureKind): number {
    const isRefusal = kind === 'auth' || kind === 'host_key';
    const widthMs = isRefusal
      ? Math.min(LAST_REFUSED_MS, FIRST_REFUSED_MS * 2 ** this.#refusals++)
      : Math.min(LAST_MS, FIRST_MS * 2 ** this.#failures++);
    return widthMs * (0.5 + 0.5 * this.#random());
  }
}
