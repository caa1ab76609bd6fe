// The derived series of nodes as lines; their labels are written out once.
import { metricName, renderLinePrefix, rowOf } from '#agent/contract';
import type { DerivedSeries } from '../derived/series.ts';

export class DerivedLines {
  readonly #prefixes = new WeakMap<DerivedSeries, string>();

  prefixOf(node: string, series: DerivedSeries): string {
    let prefix = this.#prefixes.get(series);
    if (prefix === undefined) {
      const { labels } = rowOf(series.id);
      prefix = renderLinePrefix(metricName(series.id), ['node', ...labels], [node, ...series.labels]);
      this.#prefixes.set(series, prefix);
    }
    return prefix;
  }
}
