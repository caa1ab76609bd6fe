// Runs a query against the store and writes the answer.
import { metricName } from '#agent/contract';
import { API_SCHEMA_VERSION, type QueryAnswer, type QueryAnswerSeries, type QueryGap } from '#server/contract';
import type { GapEntry, QuerySeries, Store } from '../store/entries.ts';
import { planQuery } from './plan.ts';
import type { AskedQuery } from './request.ts';

/** More series than this at once are an error: say which ones. */
export const MAX_SERIES = 1000;

export async function answerQuery(
  store: Pick<Store, 'query' | 'journalSinceMs'>,
  asked: AskedQuery,
): Promise<QueryAnswer> {
  const { metric, row, labels, fromMs, toMs } = asked;
  const plan = planQuery(asked, store.journalSinceMs);
  const result = await store.query({ metrics: [metric], labels, fromMs, toMs, maxSeries: MAX_SERIES, ...plan });
  return {
    schema_version: API_SCHEMA_VERSION,
    metric: metricName(metric),
    unit: row.unit,
    kind: row.kind === 'counter' ? 'counter' : 'gauge',
    from_ms: fromMs,
    to_ms: toMs,
    resolution: plan.resolution,
    step_ms: plan.stepMs,
    engine: result.engine,
    since_ms: result.sinceMs ?? null,
    series: result.series.map(seriesOf),
    gaps: result.gaps.map(gapOf),
  };
}

function seriesOf({ labels, times, mean, min, max, count, exact }: QuerySeries): QueryAnswerSeries {
  return {
    labels,
    times_ms: [...times],
    mean: nullable(mean),
    min: nullable(min),
    max: nullable(max),
    count: [...count],
    ...(exact ? { exact } : {}),
  };
}

function nullable(values: Float64Array): (number | null)[] {
  return Array.from(values, (value) => (Number.isNaN(value) ? null : value));
}

export function gapOf({ node, fromMs, toMs, fromSeq, toSeq, reason }: GapEntry): QueryGap {
  return { node, from_ms: fromMs, to_ms: toMs, readings: fromSeq < 0 ? 0 : toSeq - fromSeq + 1, reason };
}
