// Answers a query from the roll-ups: the files that overlap it, the rows of the last hours, and what is not written yet.
import { isAgentMetricId, rowOf } from '#agent/contract';
import type { QueryRequest, QueryResult, QuerySeries, GapEntry } from '../store/entries.ts';
import { QueryError } from '../query/request.ts';
import { MINUTE_MS, type MinuteAccumulator } from './accumulator.ts';
import type { Database } from './database.ts';
import type { NamedSeries } from './dictionary.ts';
import { HOUR, mergedColumns, type HistoryFile, type HistoryFiles } from './files.ts';

interface Point {
  count: number;
  weight: number;
  sum: number;
  min: number;
  max: number;
}

interface StoredPoint {
  readonly series: number;
  readonly minute: number;
  readonly count: bigint | number;
  readonly weight: number;
  readonly mean: number;
  readonly min: number;
  readonly max: number;
}

export interface QueryParts {
  readonly database: Database;
  readonly files: HistoryFiles;
  readonly unwritten: () => Iterable<MinuteAccumulator>;
  readonly unwrittenGaps: () => Iterable<GapEntry>;
  readonly sinceMs: number | undefined;
}

/** Throws QueryError if more series match than are allowed. */
export async function queryRollUps(parts: QueryParts, request: QueryRequest): Promise<QueryResult> {
  const stepMinutes = Math.max(request.resolution === 'hour' ? HOUR : 1, Math.round(request.stepMs / MINUTE_MS));
  const known = await matching(parts.database, request);
  const answer = new Answer(stepMinutes, request);
  for (const series of known) answer.name(series);
  if (known.length > 0) await addStored(parts, request, { known, answer, stepMinutes });
  addUnwritten(parts, request, answer);
  if (answer.size > request.maxSeries)
    throw new QueryError(`${answer.size} series match, more than ${request.maxSeries}`, 'name more labels');
  return { series: answer.series(), gaps: await gapsOf(parts, request), sinceMs: parts.sinceMs, engine: 'history' };
}

async function matching(database: Database, { metrics, labels }: QueryRequest): Promise<readonly NamedSeries[]> {
  const { node, ...own } = labels;
  const list = metrics.map((metric) => `'${metric.replaceAll("'", "''")}'`).join(', ');
  const rows = await database.all<{ id: number; node: string; metric: string; labels: string }>(
    `SELECT id, node, metric, labels FROM series WHERE metric IN (${list})${node === undefined ? '' : ' AND node = $1'} ORDER BY id`,
    node === undefined ? [] : [node],
  );
  return rows
    .map((row) => ({ ...row, labels: namedLabels(row.metric, JSON.parse(row.labels) as string[]) }))
    .filter((row) => Object.entries(own).every(([name, value]) => row.labels[name] === value));
}

async function addStored(
  { database, files }: QueryParts,
  request: QueryRequest,
  {
    known,
    answer,
    stepMinutes,
  }: { readonly known: readonly NamedSeries[]; readonly answer: Answer; readonly stepMinutes: number },
): Promise<void> {
  const from = Math.floor(request.fromMs / MINUTE_MS);
  const to = Math.ceil(request.toMs / MINUTE_MS);
  const ids = known.map(({ id }) => id);
  const [first, last] = [ids[0] ?? 0, ids.at(-1) ?? 0];
  const where =
    `minute >= ${from} AND minute < ${to} AND series BETWEEN ${first} AND ${last}` +
    (ids.length === last - first + 1 ? '' : ` AND series IN (${ids.join(', ')})`);
  const columns = mergedColumns(`(minute // ${stepMinutes}) * ${stepMinutes}`);
  for (const source of sourcesOf(files, request, { from, to })) {
    const sql = `SELECT ${columns} FROM ${source.from} WHERE ${where} GROUP BY ALL`;
    try {
      for (const point of await database.all<StoredPoint>(sql)) answer.add(point);
    } catch (error) {
      if (!source.file) throw error;
      await files.setAside(source.file, String(error));
    }
  }
}

interface Source {
  readonly from: string;
  readonly file?: HistoryFile;
}

/** File by file: one that is damaged must not silence the others. A day's hours stand for its minutes where hours are asked for. */
function sourcesOf(
  files: HistoryFiles,
  { resolution }: QueryRequest,
  { from, to }: { readonly from: number; readonly to: number },
): readonly Source[] {
  const overlapping = files.list.filter(({ from_minute, to_minute }) => from_minute < to && to_minute > from);
  const hours = resolution === 'hour' ? overlapping.filter(({ kind }) => kind === 'hours') : [];
  const minutes = overlapping.filter(
    (file) =>
      file.kind === 'minutes' &&
      !hours.some(({ from_minute, to_minute }) => file.from_minute >= from_minute && file.to_minute <= to_minute),
  );
  const ofFile = (file: HistoryFile): Source => ({ from: `read_parquet('${files.pathOf(file)}')`, file });
  return [...hours.map(ofFile), ...minutes.map(ofFile), { from: 'rows' }];
}

function addUnwritten({ unwritten }: QueryParts, request: QueryRequest, answer: Answer): void {
  const metrics = new Set(request.metrics);
  for (const accumulator of unwritten()) {
    const { session, series, minute } = accumulator;
    if (minute * MINUTE_MS < request.fromMs - MINUTE_MS || minute * MINUTE_MS >= request.toMs) continue;
    if (request.labels['node'] !== undefined && request.labels['node'] !== session.node) continue;
    for (const [at, position] of series.positions.entries()) {
      const published = session.published[position];
      const count = accumulator.count[at] ?? 0;
      if (!published || count === 0 || !metrics.has(published.id)) continue;
      answer.addNew({ node: session.node, metric: published.id, labels: published.labels }, minute, {
        count,
        weight: accumulator.weight[at] ?? 0,
        sum: accumulator.sum[at] ?? 0,
        min: accumulator.min[at] ?? NaN,
        max: accumulator.max[at] ?? NaN,
      });
    }
  }
}

async function gapsOf(
  { database, unwrittenGaps }: QueryParts,
  { labels, fromMs, toMs }: QueryRequest,
): Promise<readonly GapEntry[]> {
  const { node } = labels;
  const rows = await database.all<Record<string, bigint | string>>(
    `SELECT * FROM gaps WHERE to_ms >= $1 AND from_ms <= $2${node === undefined ? '' : ' AND node = $3'} ORDER BY from_ms`,
    [BigInt(Math.floor(fromMs)), BigInt(Math.ceil(toMs)), ...(node === undefined ? [] : [node])],
  );
  const stored = rows.map((row): GapEntry => ({
    kind: 'gap',
    node: String(row['node']),
    instance: String(row['instance']),
    fromSeq: Number(row['from_seq']),
    toSeq: Number(row['to_seq']),
    fromMs: Number(row['from_ms']),
    toMs: Number(row['to_ms']),
    reason: String(row['reason']) as GapEntry['reason'], // as it was entered
  }));
  const fresh = [...unwrittenGaps()].filter(
    (gap) => gap.toMs >= fromMs && gap.fromMs <= toMs && (node === undefined || gap.node === node),
  );
  return [...stored, ...fresh];
}

/** Points by series and step. */
class Answer {
  readonly #stepMinutes: number;
  readonly #request: QueryRequest;
  readonly #byId = new Map<number, string>();
  readonly #series = new Map<
    string,
    { readonly named: Omit<NamedSeries, 'id'>; readonly points: Map<number, Point> }
  >();

  constructor(stepMinutes: number, request: QueryRequest) {
    this.#stepMinutes = stepMinutes;
    this.#request = request;
  }

  get size(): number {
    return this.#series.size;
  }

  name({ id, node, metric, labels }: NamedSeries): void {
    const key = keyOf(node, metric, Object.values(labels));
    this.#byId.set(id, key);
    if (!this.#series.has(key)) this.#series.set(key, { named: { node, metric, labels }, points: new Map() });
  }

  add({ series, minute, count, weight, mean, min, max }: StoredPoint): void {
    const key = this.#byId.get(series);
    const points = key === undefined ? undefined : this.#series.get(key)?.points;
    if (points) merge(points, minute, { count: Number(count), weight, sum: mean * weight, min, max });
  }

  addNew(
    {
      node,
      metric,
      labels: texts,
    }: { readonly node: string; readonly metric: string; readonly labels: readonly string[] },
    minute: number,
    point: Point,
  ): void {
    const labels = namedLabels(metric, texts);
    const asked = Object.entries(this.#request.labels).filter(([name]) => name !== 'node');
    if (!asked.every(([name, value]) => labels[name] === value)) return;
    const key = keyOf(node, metric, texts);
    let found = this.#series.get(key);
    if (!found) this.#series.set(key, (found = { named: { node, metric, labels }, points: new Map() }));
    merge(found.points, Math.floor(minute / this.#stepMinutes) * this.#stepMinutes, point);
  }

  series(): readonly QuerySeries[] {
    return [...this.#series.values()].flatMap(({ named: { node, metric, labels }, points }) => {
      if (points.size === 0) return [];
      const sorted = [...points].toSorted(([a], [b]) => a - b);
      const column = (pick: (point: Point) => number): Float64Array =>
        Float64Array.from(sorted, ([, point]) => pick(point));
      return [
        {
          metric,
          labels: { node, ...labels },
          times: Float64Array.from(sorted, ([minute]) => (minute + this.#stepMinutes) * MINUTE_MS),
          mean: column(({ sum, weight }) => sum / weight),
          min: column(({ min }) => min),
          max: column(({ max }) => max),
          count: Uint32Array.from(sorted, ([, { count }]) => count),
        },
      ];
    });
  }
}

function merge(points: Map<number, Point>, bucket: number, point: Point): void {
  const known = points.get(bucket);
  if (!known) {
    points.set(bucket, { ...point });
    return;
  }
  known.count += point.count;
  known.weight += point.weight;
  known.sum += point.sum;
  known.min = Math.min(known.min, point.min);
  known.max = Math.max(known.max, point.max);
}

const keyOf = (node: string, metric: string, labels: readonly string[]): string =>
  JSON.stringify([node, metric, ...labels]);

/** A row that a later version dropped has names of its own making. */
function namedLabels(metric: string, texts: readonly string[]): Readonly<Record<string, string>> {
  const names = isAgentMetricId(metric) ? rowOf(metric).labels : texts.map((_, at) => `label${at}`);
  return Object.fromEntries(names.map((name, at) => [name, texts[at] ?? '']));
}
