// Since when something gives no readings: the first frame that said so, by the server's unjumping clock.
import type { Outage } from '#server/contract';
import { outageText, type FoundOutage } from '../diagnosis/outage.ts';

export class OutageWatch {
  #current: Outage | undefined;

  get current(): Outage | undefined {
    return this.#current;
  }

  /** Another reason of the same kind goes on with the time of the first. */
  update(found: FoundOutage | undefined, nowMs: number): void {
    if (!found) {
      this.#current = undefined;
      return;
    }
    const { kind, reason } = found;
    if (this.#current?.kind === kind && this.#current.reason === reason) return;
    const since_ms = this.#current?.kind === kind ? this.#current.since_ms : nowMs;
    this.#current = { kind, reason, since_ms, text: outageText(found) };
  }
}
