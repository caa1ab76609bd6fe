// How many frames there were, and how many nobody got.
import { bytes, timestampSeconds } from '#agent/contract';
import type { CounterSeries, GaugeSeries, Snapshot } from './snapshot.ts';

/** `cap`: there was no room to keep it; `refused`: the server takes no backlog. */
export const dropReasons = ['cap', 'damaged', 'refused'] as const;
export type DropReason = (typeof dropReasons)[number];

export class FrameCounts {
  readonly #produced: CounterSeries;
  readonly #dropped: Readonly<Record<DropReason, CounterSeries>>;
  readonly #spoolBytes: GaugeSeries<'bytes'>;
  readonly #spoolOldest: GaugeSeries<'timestamp_seconds'>;
  #total = 0;
  readonly #lost: Record<DropReason, number> = { cap: 0, damaged: 0, refused: 0 };

  constructor(snapshot: Snapshot) {
    const group = snapshot.group();
    this.#produced = group.counter('agent_frames_total', {});
    const dropped = (reason: DropReason): CounterSeries => group.counter('agent_frames_dropped_total', { reason });
    this.#dropped = { cap: dropped('cap'), damaged: dropped('damaged'), refused: dropped('refused') };
    this.#spoolBytes = group.gauge('agent_spool_bytes', {});
    this.#spoolOldest = group.gauge('agent_spool_oldest_timestamp_seconds', {});
    this.#produced.set(0);
    for (const reason of dropReasons) this.#dropped[reason].set(0);
  }

  produced(): void {
    this.#produced.set(++this.#total);
  }

  dropped(reason: DropReason, frames: number): void {
    this.#lost[reason] += frames;
    this.#dropped[reason].set(this.#lost[reason]);
  }

  /** What nobody has acknowledged: its size, and when the oldest of it was read; with nothing owed, now. */
  spool(size: number, oldestMs: number): void {
    this.#spoolBytes.set(bytes(size));
    this.#spoolOldest.set(timestampSeconds(oldestMs / 1000));
  }
}
