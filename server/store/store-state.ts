// Whether the store keeps what it is given, and since when not. A change is logged once.
import type { Log } from '../log.ts';
import type { StoreState } from './entries.ts';

export type Reason = Extract<StoreState, { readonly ok: false }>['reason'];

export class StateKeeper {
  readonly #nowMs: () => number;
  readonly #log: Log;
  #state: StoreState = { ok: true };

  constructor(nowMs: () => number, log: Log) {
    this.#nowMs = nowMs;
    this.#log = log;
  }

  get state(): StoreState {
    return this.#state;
  }

  fails(reason: Reason, message: string): void {
    const before = this.#state;
    if (!before.ok && before.reason === reason && before.message === message) return;
    const sinceMs = before.ok ? this.#nowMs() : before.sinceMs;
    this.#state = { ok: false, sinceMs, reason, message };
    if (before.ok || before.reason !== reason)
      this.#log.warn('readings cannot be stored; the live view goes on', { reason, message });
  }

  works(): void {
    if (this.#state.ok) return;
    const seconds = Math.round((this.#nowMs() - this.#state.sinceMs) / 1000);
    this.#state = { ok: true };
    this.#log.info('readings are stored again', { after_seconds: seconds });
  }
}
