// GPUs that are not productive, by segment of the loss bar, since the page was opened.
import { lossSegments, type FleetSummary } from '#server/contract';

const KEPT_POINTS = 600;

export const trendSegments = lossSegments.filter(({ side }) => side === 'lost');

export class Trend {
  readonly times: number[] = [];
  /** Per segment of `trendSegments` one count per time. */
  readonly counts: readonly number[][] = trendSegments.map(() => []);

  add(summary: FleetSummary): void {
    if (summary.time_ms <= (this.times.at(-1) ?? 0)) return;
    this.times.push(summary.time_ms);
    for (const [index, { classes }] of trendSegments.entries()) {
      this.counts[index]?.push(classes.reduce((sum, leaf) => sum + (summary.classes[leaf] ?? 0), 0));
    }
    while (this.times.length > KEPT_POINTS) {
      this.times.shift();
      for (const column of this.counts) column.shift();
    }
  }
}
