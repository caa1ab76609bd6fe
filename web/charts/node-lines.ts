// What a chart of the node page draws: its lines with the one that stands out dark, or a band where they are many.
import type { ChartLinePoints, ChartPoints, Point } from '../live/chart-store.ts';
import type { ChartLineData } from './time-chart.ts';

/** More lines than this are drawn as the band between their lowest and highest, and the one that stands out. */
export const MOST_LINES = 8;

/** Charts where the lowest line is the one to look at; in all others it is the highest. */
const lowestMatters: ReadonlySet<string> = new Set(['gpu_busy']);

export interface LineColours {
  readonly standsOut: string;
  readonly peers: string;
  readonly band: string;
}

/** Index of the line to look at by its newest value; -1 where no line has one. */
export function findOutstanding({ spec, lines }: ChartPoints, atMs = Infinity): number {
  const sign = lowestMatters.has(spec.id) ? -1 : 1;
  let found = -1;
  let best = -Infinity;
  for (const [index, { points }] of lines.entries()) {
    const value = sign * valueAt(points, atMs);
    if (value > best) [found, best] = [index, value];
  }
  return found;
}

export const outstandingWord = ({ spec }: ChartPoints): string => (lowestMatters.has(spec.id) ? 'lowest' : 'highest');

/** The value at a time: of the last point up to it; NaN before the first. */
export function valueAt(points: readonly Point[], atMs: number): number {
  let low = 0;
  let high = points.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((points[middle]?.x ?? Infinity) <= atMs) low = middle + 1;
    else high = middle;
  }
  return points[low - 1]?.y ?? NaN;
}

export function drawLines(chart: ChartPoints, colours: LineColours): readonly ChartLineData[] {
  const outstanding = findOutstanding(chart);
  const dark = chart.lines.flatMap((line, at) => (at === outstanding ? withExtremes(line, colours) : []));
  if (chart.lines.length > MOST_LINES) return [...bandOf(chart, colours), ...dark];
  const peers = chart.lines.flatMap(({ points }, at) =>
    at === outstanding ? [] : [{ colour: colours.peers, width: 1, points }],
  );
  return [...peers, ...dark];
}

/** A line of means lies in the band between the lowest and the highest reading of each step. */
function withExtremes({ points, low, high }: ChartLinePoints, { standsOut, band }: LineColours): ChartLineData[] {
  const line = { colour: standsOut, width: 1.5, points };
  if (!low || !high) return [line];
  return [
    { colour: band, width: 0, points: low },
    { colour: band, width: 0, points: high, fill: 'before', fillColour: band },
    line,
  ];
}

/** All lines of a chart get their points at the same times. */
function bandOf({ lines }: ChartPoints, { peers, band }: LineColours): readonly ChartLineData[] {
  const times = lines[0]?.points ?? [];
  const edge = (pick: (values: readonly number[]) => number): Point[] =>
    times.map(({ x }, at) => {
      const values = lines.map(({ points }) => points[at]?.y ?? NaN).filter((y) => !Number.isNaN(y));
      return { x, y: values.length === 0 ? NaN : pick(values) };
    });
  return [
    { colour: peers, width: 0.5, points: edge((values) => Math.min(...values)) },
    {
      colour: peers,
      width: 0.5,
      points: edge((values) => Math.max(...values)),
      fill: 'before',
      fillColour: band,
    },
  ];
}
