// Compares what a producer wrote into its own log with what the history of a server says: every reading exactly once,
// or in a recorded gap.
import { readFileSync } from 'node:fs';
import type { QueryAnswer } from '#server/contract';

/** One line of a producer's log. */
export interface Produced {
  /** Unique over all lives of the producer, growing by one. */
  readonly number: number;
  /** The machine's true time when it was produced. */
  readonly atMs: number;
}

export function readProduced(file: string): readonly Produced[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => /^\d+ \d+$/.test(line))
    .map((line) => {
      const [number = NaN, atMs = NaN] = line.split(' ').map(Number);
      return { number, atMs };
    });
}

export interface Comparison {
  readonly produced: number;
  readonly stored: number;
  /** In the history more than once. */
  readonly twice: readonly number[];
  /** In the history and never produced. */
  readonly invented: readonly number[];
  /** Neither in the history nor in a gap. */
  readonly lost: readonly number[];
  /** Not in the history, and a gap says so. */
  readonly recorded: readonly number[];
  /** Readings that gaps speak of. */
  readonly readingsInGaps: number;
  /** The worst difference between the time of a reading in the history and its true one, in milliseconds. */
  readonly worstOffsetMs: number;
}

/** Clocks are compared to this; a gap may end as much off. */
const SLACK_MS = 1500;

/** `answer` is the history of the series whose whole value is the reading's number, with `step=raw`. */
export function compare(produced: readonly Produced[], answer: QueryAnswer): Comparison {
  const [series] = answer.series;
  const found = (series?.exact ?? []).map(Number);
  const times = series?.times_ms ?? [];
  const timeOf = new Map(produced.map(({ number, atMs }) => [number, atMs]));
  const counts = new Map<number, number>();
  for (const number of found) counts.set(number, (counts.get(number) ?? 0) + 1);
  const missing = produced.filter(({ number }) => !counts.has(number));
  const inGap = ({ atMs }: Produced): boolean =>
    answer.gaps.some(({ from_ms, to_ms }) => atMs >= from_ms - SLACK_MS && atMs <= to_ms + SLACK_MS);
  const offsets = found.map((number, at) => Math.abs((times[at] ?? NaN) - (timeOf.get(number) ?? NaN)));
  return {
    produced: produced.length,
    stored: found.length,
    twice: [...counts].flatMap(([number, count]) => (count > 1 ? [number] : [])),
    invented: found.filter((number) => !timeOf.has(number)),
    lost: missing.filter((one) => !inGap(one)).map(({ number }) => number),
    recorded: missing.filter(inGap).map(({ number }) => number),
    readingsInGaps: answer.gaps.reduce((sum, { readings }) => sum + readings, 0),
    worstOffsetMs: offsets.reduce((worst, offset) => (Number.isNaN(offset) ? worst : Math.max(worst, offset)), 0),
  };
}
