// Whether an area is there at all: says so in the snapshot and, when it changes, once in the log.
import type { AbsenceReason, Area } from '#agent/contract';
import type { SeriesGroup } from '../snapshot.ts';
import type { CollectorContext } from './collector.ts';

export class AreaPresence {
  readonly #area: Area;
  readonly #context: CollectorContext;
  readonly #group: SeriesGroup;
  #reason: AbsenceReason | undefined;

  constructor(area: Area, context: CollectorContext) {
    this.#area = area;
    this.#context = context;
    this.#group = context.snapshot.group();
  }

  /** undefined: it is there. The hint tells people what to do about it. */
  set(reason: AbsenceReason | undefined, hint = ''): void {
    if (reason === this.#reason) return;
    this.#reason = reason;
    this.#group.clear();
    if (reason === undefined) {
      this.#context.log.info(`${this.#area} is there`);
      return;
    }
    this.#group.unavailable(this.#area, '', reason);
    this.#context.log.info(`${this.#area} is not there`, { reason, ...(hint === '' ? {} : { hint }) });
  }

  remove(): void {
    this.#context.snapshot.remove(this.#group);
  }
}
