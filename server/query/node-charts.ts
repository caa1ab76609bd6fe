// The charts of one node over any range, from the store: the same rows and the same arithmetic as the live page.
import { rowOf, type AgentMetricId } from '#agent/contract';
import {
  API_SCHEMA_VERSION,
  linesOf,
  nodeCharts,
  valueOf,
  type ChartLine,
  type ChartSpec,
  type NodeChartAnswer,
  type NodeChartsAnswer,
  type SchemaEntry,
  type SeriesView,
} from '#server/contract';
import type { QuerySeries, Store } from '../store/entries.ts';
import { gapOf } from './answer.ts';
import { planQuery } from './plan.ts';

/** Series of one node over the time; more than any machine has. */
const MAX_SERIES = 20_000;

export interface ChartRange {
  readonly fromMs: number;
  readonly toMs: number;
  readonly stepMs: number | undefined;
}

export async function answerNodeCharts(
  store: Pick<Store, 'query' | 'journalSinceMs'>,
  node: string,
  range: ChartRange,
): Promise<NodeChartsAnswer> {
  const { fromMs, toMs } = range;
  const plan = planQuery(range, store.journalSinceMs);
  const result = await store.query({
    ...{ metrics: chartMetrics, labels: { node }, fromMs, toMs, maxSeries: MAX_SERIES },
    resolution: plan.resolution,
    stepMs: plan.stepMs,
  });
  const table = new Table(result.series);
  return {
    schema_version: API_SCHEMA_VERSION,
    node,
    from_ms: fromMs,
    to_ms: toMs,
    resolution: plan.resolution,
    step_ms: plan.stepMs,
    engine: result.engine,
    since_ms: result.sinceMs ?? null,
    times_ms: table.times,
    charts: nodeCharts.flatMap((spec) => chartOf(spec, table)),
    gaps: result.gaps.map(gapOf),
  };
}

const chartMetrics: readonly AgentMetricId[] = [...new Set(nodeCharts.flatMap(({ source }) => metricsOf(source)))];

function metricsOf(source: ChartSpec['source']): readonly AgentMetricId[] {
  switch (source.kind) {
    case 'rate':
      return source.orLevel ? [source.metric, source.orLevel] : [source.metric];
    case 'quotient':
      return [source.metric, source.by];
    case 'used':
      return [source.metric, source.of];
    default:
      return [source.metric];
  }
}

function chartOf(spec: ChartSpec, table: Table): readonly NodeChartAnswer[] {
  const lines = linesOf(spec, table.schema).map((line) => {
    const mean = table.column(line, 'mean');
    // Extremes of a sum or a quotient are not those of its parts.
    const single = line.above.length + line.instead.length === 1 && line.below.length === 0;
    return {
      name: line.name,
      mean,
      min: single ? table.column(line, 'min') : null,
      max: single ? table.column(line, 'max') : null,
    };
  });
  const known = lines.filter(({ mean }) => mean.some((value) => value !== null));
  return known.length === 0 ? [] : [{ id: spec.id, title: spec.title, unit: spec.unit, lines: known }];
}

/** The series of the answer, laid on common times. */
class Table {
  readonly times: readonly number[];
  readonly schema: readonly SchemaEntry[];
  readonly #series: readonly QuerySeries[];
  /** Per series: its index of each common time; -1 where it has none. */
  readonly #at: readonly Int32Array[];

  constructor(series: readonly QuerySeries[]) {
    this.#series = series;
    this.times = [...new Set(series.flatMap(({ times }) => [...times]))].toSorted((a, b) => a - b);
    const place = new Map(this.times.map((time, at) => [time, at]));
    this.#at = series.map(({ times }) => {
      const found = new Int32Array(this.times.length).fill(-1);
      times.forEach((time, at) => {
        found[place.get(time) ?? 0] = at;
      });
      return found;
    });
    this.schema = series.map(({ metric, labels }): SchemaEntry => {
      const id = metric as AgentMetricId; // of `chartMetrics`, which the query asked for
      return [id, rowOf(id).labels.map((name) => labels[name] ?? '')];
    });
  }

  column(line: ChartLine, which: 'mean' | 'min' | 'max'): readonly (number | null)[] {
    return this.times.map((_, at) => {
      const read = (index: number): number => this.#series[index]?.[which][this.#at[index]?.[at] ?? -1] ?? NaN;
      const view: SeriesView = { level: read, rate: read };
      const value = valueOf(line, view);
      return Number.isFinite(value) ? value : null;
    });
  }
}
