// One derived series of a node: made once for as long as the node names the same devices, its value renewed in place.
import type { DerivedMetricId } from '#agent/contract';
import type { PublishedSeries } from '../fleet/schema.ts';

export interface DerivedSeries {
  readonly id: DerivedMetricId;
  /** In the order of the row. */
  readonly labels: readonly string[];
  /** In base units; NaN while it is not known. */
  value: number;
}

export function seriesOf(id: DerivedMetricId, labels: readonly string[]): DerivedSeries {
  return { id, labels, value: NaN };
}

/** What reads the newest frame of a node. */
export interface Readings {
  readonly lastSampleMs: number | undefined;
  /** Base units; NaN where there is none. */
  level(series: PublishedSeries | undefined): number;
  rate(series: PublishedSeries): number;
}
