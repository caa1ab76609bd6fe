// Findings about switches as alerts. They fire at once: a switch is asked once a minute, and says nothing lightly.
import type { Alert } from '#server/contract';
import { findingsOf } from './findings.ts';
import type { SwitchWatch } from './watch.ts';

export class SwitchAlerts {
  readonly #watch: SwitchWatch;
  /** Since when each finding has been made. */
  #sinceMs: ReadonlyMap<string, number> = new Map();

  constructor(watch: SwitchWatch) {
    this.#watch = watch;
  }

  alerts(nowMs: number): readonly Alert[] {
    const findings = findingsOf(this.#watch.pollers, nowMs);
    this.#sinceMs = new Map(findings.map(({ id }) => [id, this.#sinceMs.get(id) ?? nowMs]));
    return findings.map(({ id, severity, text }) => ({
      ...{ id, severity, text },
      kind: 'fabric',
      state: 'firing',
      ...{ node: '', gpu: null, uuid: null },
      since_ms: this.#sinceMs.get(id) ?? nowMs,
    }));
  }
}
