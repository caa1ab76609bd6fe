// Answers a query from the readings as they came: finds the frames of the nodes by time, decodes them session by session.
import { isAgentMetricId } from '#agent/contract';
import type { Journal } from '#agent/journal';
import type { PublishedSeries } from '../fleet/schema.ts';
import { QueryError } from '../query/request.ts';
import { readChain, selectFrames, type ChainPlaces } from './chain-reader.ts';
import type { GapEntry, QueryRequest, QueryResult, QuerySeries } from './entries.ts';
import type { JournalIndex } from './journal-index.ts';
import { columnsOf, exactOf, readingOf, type Piece } from './raw-columns.ts';
import type { ReadSchema, SchemaCache } from './schema-cache.ts';
import type { SegmentReader } from './segment-reader.ts';
import { chainKey, type SegmentView, type SessionHead, type TimeRange } from './segment-index.ts';
import { Slices } from './slices.ts';

/** A key frame comes at least every minute. */
const KEY_WITHIN_MS = 150_000;

export interface RawParts {
  readonly journal: Journal;
  readonly index: JournalIndex;
  readonly schemas: SchemaCache;
  readonly segments: SegmentReader;
}

/** One chain with what is wanted of it. */
interface WantedChain {
  readonly session: SessionHead;
  readonly places: ChainPlaces;
  readonly size: number;
  readonly series: readonly PublishedSeries[];
}

/** One series of the answer, as it is put together. */
interface Answer {
  readonly node: string;
  readonly series: PublishedSeries;
  readonly pieces: Piece[];
}

/** Throws QueryError. */
export async function queryRaw(parts: RawParts, request: QueryRequest): Promise<Omit<QueryResult, 'sinceMs'>> {
  const slices = new Slices();
  const chains = await findChains(parts, request, slices);
  checkCount(chains, request.maxSeries);
  const answers = new Map<string, Answer>();
  const gaps = gapsOf(parts.index.views, request);
  for (const chain of chains) await readPieces(parts, request, { chain, answers, gaps, slices });
  const series: QuerySeries[] = [];
  for (const answer of answers.values()) {
    if (slices.isOver) await slices.rest();
    series.push(seriesOf(answer, request.stepMs));
  }
  return { series: sorted(series, request.metrics), gaps, engine: 'journal' };
}

async function findChains(parts: RawParts, request: QueryRequest, slices: Slices): Promise<readonly WantedChain[]> {
  const views = parts.index.views.filter(
    ({ summary }) => isNear(summary.live, request) || isNear(summary.backlog, request),
  );
  const found: WantedChain[] = [];
  for (const node of await nodesOf(parts, views, request.labels['node'])) {
    if (slices.isOver) await slices.rest();
    for (const { session, places } of await chainsOf(parts, views, node)) {
      const schema = await parts.schemas.get(session.schema);
      const series = schema ? matching(schema, request) : [];
      if (schema && series.length > 0) found.push({ session, places, size: schema.size, series });
    }
  }
  return found;
}

async function nodesOf(
  parts: RawParts,
  views: readonly SegmentView[],
  only: string | undefined,
): Promise<readonly string[]> {
  if (only !== undefined) return [only];
  const names = new Set<string>();
  for (const view of views) for (const name of await parts.segments.nodes(view)) names.add(name);
  return [...names].toSorted();
}

async function chainsOf(
  parts: RawParts,
  views: readonly SegmentView[],
  node: string,
): Promise<readonly { readonly session: SessionHead; readonly places: ChainPlaces }[]> {
  const sessions = new Map<number, SessionHead>();
  const chains = new Map<number, { readonly session: number; readonly places: ChainPlaces[number][] }>();
  for (const view of views) {
    const found = await parts.segments.node(view, node);
    for (const session of found?.sessions ?? []) sessions.set(session.session, session);
    for (const { head, places } of found?.chains ?? []) {
      const key = chainKey(head.session, head.backlog);
      const chain = chains.get(key) ?? { session: head.session, places: [] };
      chains.set(key, chain);
      chain.places.push({ segment: view.summary.first, places: places() });
    }
  }
  return [...chains.values()].flatMap(({ session: number, places }) => {
    const session = sessions.get(number);
    return session ? [{ session, places }] : [];
  });
}

function matching({ byMetric }: ReadSchema, { metrics, labels }: QueryRequest): readonly PublishedSeries[] {
  const wanted = Object.entries(labels).filter(([name]) => name !== 'node');
  return metrics.filter(isAgentMetricId).flatMap((metric) =>
    (byMetric.get(metric) ?? []).filter((series) =>
      wanted.every(([name, value]) => {
        const at = series.row.labels.indexOf(name);
        return at >= 0 && series.labels[at] === value;
      }),
    ),
  );
}

function checkCount(chains: readonly WantedChain[], maxSeries: number): void {
  const keys = new Set(chains.flatMap(({ session, series }) => series.map((one) => keyOf(session.node, one))));
  if (keys.size > maxSeries)
    throw new QueryError(`${keys.size} series match, ${maxSeries} are allowed`, 'name more labels: labels=node=NODE');
}

async function readPieces(
  { journal }: RawParts,
  { fromMs, toMs, stepMs }: QueryRequest,
  work: {
    readonly chain: WantedChain;
    readonly answers: Map<string, Answer>;
    readonly gaps: GapEntry[];
    readonly slices: Slices;
  },
): Promise<void> {
  const { session, size, series, places } = work.chain;
  const frames = selectFrames(places, fromMs, toMs);
  const columns = new ChainColumns(series, frames.length, stepMs === 0);
  await readChain(journal, frames, {
    size,
    slices: work.slices,
    visit: {
      sample: ({ timeMs, repeated }, { decoder, spanSeconds }) => {
        if (repeated || timeMs < fromMs || timeMs > toMs) return;
        columns.begin(timeMs, spanSeconds);
        for (let at = 0; at < series.length; at++) {
          const one = series[at];
          if (one) columns.put(at, readingOf(one, decoder, spanSeconds), stepMs === 0 ? exactOf(one, decoder) : '');
        }
      },
      lost: (seq, timeMs) => {
        if (timeMs < fromMs) return;
        const { node, instance } = session;
        const range = { fromSeq: seq, toSeq: seq, fromMs: timeMs, toMs: timeMs };
        work.gaps.push({ kind: 'gap', node, instance, ...range, reason: 'damaged' });
      },
    },
  });
  for (const [at, one] of series.entries()) {
    const piece = columns.piece(at);
    if (piece.times.length === 0) continue;
    const key = keyOf(session.node, one);
    const answer = work.answers.get(key) ?? { node: session.node, series: one, pieces: [] };
    work.answers.set(key, answer);
    answer.pieces.push(piece);
  }
}

/** Columns of all wanted series of one chain, filled frame by frame. */
class ChainColumns {
  #used = 0;
  #times: Float64Array;
  #spans: Float64Array;
  #values: Float64Array[];
  readonly #exact: string[][] | undefined;
  #finished = false;

  constructor(series: readonly PublishedSeries[], most: number, isExact: boolean) {
    this.#times = new Float64Array(most);
    this.#spans = new Float64Array(most);
    this.#values = series.map(() => new Float64Array(most));
    this.#exact = isExact ? series.map(() => []) : undefined;
  }

  begin(timeMs: number, spanSeconds: number): void {
    this.#times[this.#used] = timeMs;
    this.#spans[this.#used] = spanSeconds;
    this.#used++;
  }

  put(series: number, value: number, exact: string): void {
    const column = this.#values[series];
    if (column) column[this.#used - 1] = value;
    this.#exact?.[series]?.push(exact);
  }

  piece(series: number): Piece {
    if (!this.#finished) this.#finish();
    return {
      times: this.#times,
      spans: this.#spans,
      values: this.#values[series] ?? new Float64Array(0),
      exact: this.#exact?.[series],
    };
  }

  /** Cut to what was filled, once: series of a chain share their times. */
  #finish(): void {
    this.#times = this.#times.slice(0, this.#used);
    this.#spans = this.#spans.slice(0, this.#used);
    this.#values = this.#values.map((column) => column.slice(0, this.#used));
    this.#finished = true;
  }
}

function seriesOf({ node, series, pieces }: Answer, stepMs: number): QuerySeries {
  const labels: Record<string, string> = { node };
  for (const [at, name] of series.row.labels.entries()) labels[name] = series.labels[at] ?? '';
  return { metric: series.id, labels, ...columnsOf(pieces, stepMs, series.row.kind === 'counter') };
}

/** By metric in the order that was asked for, then by labels. */
function sorted(series: readonly QuerySeries[], metrics: readonly string[]): readonly QuerySeries[] {
  const keyed = series.map((one) => ({ one, metric: metrics.indexOf(one.metric), key: Object.values(one.labels) }));
  return keyed.toSorted((a, b) => a.metric - b.metric || compare(a.key, b.key)).map(({ one }) => one);
}

function compare(a: readonly string[], b: readonly string[]): number {
  const at = a.findIndex((text, index) => text !== b[index]);
  return at < 0 ? 0 : (a[at] ?? '').localeCompare(b[at] ?? '', 'en', { numeric: true });
}

function gapsOf(views: readonly SegmentView[], { labels, fromMs, toMs }: QueryRequest): GapEntry[] {
  return views.flatMap(({ summary }) =>
    summary.gaps
      .map(({ gap }) => gap)
      .filter((gap) => gap.toMs >= fromMs && gap.fromMs <= toMs && (labels['node'] ?? gap.node) === gap.node),
  );
}

function isNear(range: TimeRange | null, { fromMs, toMs }: QueryRequest): boolean {
  return range !== null && range[1] >= fromMs - KEY_WITHIN_MS && range[0] <= toMs;
}

function keyOf(node: string, { id, labels }: PublishedSeries): string {
  return JSON.stringify([node, id, ...labels]);
}
