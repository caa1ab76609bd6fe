// The charts of a past range as the page draws them.
import { nodeCharts, type NodeChartAnswer, type NodeChartsAnswer, type QueryGap } from '#server/contract';
import type { ChartPoints, Point } from './chart-store.ts';

/** So many steps without a reading break the line. */
const MISSING_STEPS = 2.5;

export interface PastRange {
  readonly fromMs: number;
  readonly toMs: number;
  readonly stepMs: number;
  /** From where on anything is kept; null where nothing is. */
  readonly sinceMs: number | null;
  readonly charts: readonly ChartPoints[];
  readonly gaps: readonly QueryGap[];
}

export function rangeOf(answer: NodeChartsAnswer): PastRange {
  const { from_ms, to_ms, step_ms, since_ms, times_ms, charts, gaps } = answer;
  const byId = new Map(charts.map((chart) => [chart.id, chart]));
  return {
    fromMs: from_ms,
    toMs: to_ms,
    stepMs: step_ms,
    sinceMs: since_ms,
    charts: nodeCharts.flatMap((spec) => {
      const chart = byId.get(spec.id);
      return chart ? [{ spec, lines: linesOf(chart, times_ms, step_ms * MISSING_STEPS) }] : [];
    }),
    gaps,
  };
}

function linesOf({ lines }: NodeChartAnswer, times: readonly number[], gapMs: number): ChartPoints['lines'] {
  return lines.map(({ name, mean, min, max }) => ({
    line: { name },
    points: pointsOf(times, mean, gapMs),
    ...(min && max ? { low: pointsOf(times, min, gapMs), high: pointsOf(times, max, gapMs) } : {}),
  }));
}

function pointsOf(times: readonly number[], values: readonly (number | null)[], gapMs: number): Point[] {
  return times.flatMap((x, at) => {
    const point = { x, y: values[at] ?? NaN };
    const before = times[at - 1];
    return before !== undefined && x - before > gapMs ? [{ x: x - 1, y: NaN }, point] : [point];
  });
}
