// The points of the node page's charts: history first, then one point a second. Plain arrays outside Svelte's state.
import {
  linesOf,
  nodeCharts,
  valueOf,
  type ChartLine,
  type ChartSpec,
  type NodeHistory,
  type SchemaEntry,
  type SeriesView,
} from '#server/contract';
import { float32Of, float64Of } from './bytes.ts';

/** Ten minutes at 1 Hz. */
const KEPT_POINTS = 600;
/** A longer silence breaks the line. */
const GAP_MS = 3000;

export interface Point {
  readonly x: number;
  /** NaN breaks the line. */
  readonly y: number;
}

export interface ChartLinePoints {
  readonly line: Pick<ChartLine, 'name'>;
  readonly points: readonly Point[];
  /** Lowest and highest reading of each step, where the points are means. */
  readonly low?: readonly Point[];
  readonly high?: readonly Point[];
}

export interface ChartPoints {
  readonly spec: ChartSpec;
  readonly lines: readonly ChartLinePoints[];
}

interface GrowingLine extends ChartLinePoints {
  readonly line: ChartLine;
  readonly points: Point[];
}

export class ChartStore {
  readonly charts: readonly { readonly spec: ChartSpec; readonly lines: readonly GrowingLine[] }[];
  #lastMs = 0;

  /** When the newest points are; 0 while there are none. */
  get lastMs(): number {
    return this.#lastMs;
  }

  /** Charts that have lines on this node. */
  constructor(series: readonly SchemaEntry[]) {
    this.charts = nodeCharts
      .map((spec) => ({ spec, lines: linesOf(spec, series).map((line) => ({ line, points: [] })) }))
      .filter(({ lines }) => lines.length > 0);
  }

  fill(history: NodeHistory): void {
    const times = float64Of(history.times);
    const values = float32Of(history.values);
    let column = 0;
    for (const { id, lines } of history.charts) {
      const mine = this.charts.find(({ spec }) => spec.id === id)?.lines ?? [];
      for (let line = 0; line < lines; line++, column++) {
        const points = mine[line]?.points;
        if (!points) continue;
        points.length = 0;
        times.forEach((x, at) => {
          append(points, x, values[column * times.length + at] ?? NaN, x - (times[at - 1] ?? x) > GAP_MS);
        });
      }
    }
    this.#lastMs = times.at(-1) ?? 0;
  }

  add(timeMs: number, view: SeriesView): void {
    if (timeMs <= this.#lastMs) return;
    const gap = this.#lastMs > 0 && timeMs - this.#lastMs > GAP_MS;
    for (const { lines } of this.charts) {
      for (const { line, points } of lines) append(points, timeMs, valueOf(line, view), gap);
    }
    this.#lastMs = timeMs;
  }
}

function append(points: Point[], x: number, y: number, gap: boolean): void {
  if (gap) points.push({ x: x - 1, y: NaN });
  points.push({ x, y });
  if (points.length > KEPT_POINTS) points.splice(0, points.length - KEPT_POINTS);
}
