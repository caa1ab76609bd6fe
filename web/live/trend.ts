// GPUs that are not productive, by segment of the loss bar, since the page was opened.
import { lossSegments, type FleetSummary } from '#server/contract';

const KEPT_POINTS = 1200;
/** A longer silence breaks the areas. */
const GAP_MS = 3000;

export const trendSegments = lossSegments.filter(({ side }) => side === 'lost');

export class Trend {
  readonly times: number[] = [];
  /** Per segment of `trendSegments` one count per time; NaN in a gap. */
  readonly counts: readonly number[][] = trendSegments.map(() => []);

  add(summary: FleetSummary): void {
    const last = this.times.at(-1);
    if (last !== undefined && summary.time_ms <= last) return;
    if (last !== undefined && summary.time_ms - last > GAP_MS) this.#push(last + 1, () => NaN);
    this.#push(summary.time_ms, (at) =>
      (trendSegments[at]?.classes ?? []).reduce((sum, leaf) => sum + (summary.classes[leaf] ?? 0), 0),
    );
  }

  #push(time: number, countOf: (segment: number) => number): void {
    this.times.push(time);
    for (const [at, column] of this.counts.entries()) column.push(countOf(at));
    if (this.times.length <= KEPT_POINTS) return;
    this.times.shift();
    for (const column of this.counts) column.shift();
  }
}
