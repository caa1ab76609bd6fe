// The words of a query, as the API and the command line take them: metric, labels, from, to, step.
import { catalogue, isAgentMetricId, rowOf, type AgentMetricId, type MetricRow } from '#agent/contract';

/** What was asked cannot be understood; the message says what can. */
export class QueryError extends Error {
  override readonly name = 'QueryError';
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}

export interface QueryWords {
  readonly metric: string | undefined;
  readonly labels: string | undefined;
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly step: string | undefined;
}

export interface AskedQuery extends AskedRange {
  readonly metric: AgentMetricId;
  readonly row: MetricRow;
  readonly labels: Readonly<Record<string, string>>;
}

export interface AskedRange {
  readonly fromMs: number;
  readonly toMs: number;
  /** 0 = every reading; undefined = as wide as the answer should have points for. */
  readonly stepMs: number | undefined;
}

const HOUR_MS = 3_600_000;

/** Throws QueryError. `from` is an hour before `to`, `to` is now, unless they are said. */
export function readQuery(words: QueryWords, nowMs: number): AskedQuery {
  const metric = readMetric(words.metric);
  const row = rowOf(metric);
  return { metric, row, labels: readLabels(words.labels, row), ...readRange(words, nowMs) };
}

/** Throws QueryError. */
export function readRange(words: Pick<QueryWords, 'from' | 'to' | 'step'>, nowMs: number): AskedRange {
  const toMs = readTime(words.to, nowMs, 'to') ?? nowMs;
  const fromMs = readTime(words.from, nowMs, 'from') ?? toMs - HOUR_MS;
  if (fromMs >= toMs)
    throw new QueryError('from is not before to', 'times: 2026-11-26T10:00Z, -2h, milliseconds since 1970');
  return { fromMs, toMs, stepMs: readStep(words.step) };
}

function readMetric(text: string | undefined): AgentMetricId {
  if (text === undefined || text === '') throw new QueryError('say which metric', 'metric=whyidle_gpu_power_watts');
  const id = text.replace(/^whyidle_/, '');
  if (!isAgentMetricId(id)) {
    const known = Object.hasOwn(catalogue, id);
    throw new QueryError(
      known ? `${text} is derived by the server and not kept over time` : `there is no metric ${text}`,
      known ? 'its sources are: see docs/metrics.md' : nearest(id),
    );
  }
  if (rowOf(id).kind === 'info') throw new QueryError(`${text} says what something is; it has no values over time`);
  return id;
}

function nearest(id: string): string {
  const words = id.split('_').filter((word) => word.length > 2);
  const score = (other: string): number => words.filter((word) => other.includes(word)).length;
  const [best] = Object.keys(catalogue).toSorted((a, b) => score(b) - score(a) || a.length - b.length);
  return best !== undefined && score(best) > 0
    ? `did you mean whyidle_${best}?`
    : 'the metrics are listed in docs/metrics.md';
}

/** `node=node07,gpu=0`, or a JSON object where a value holds a comma. */
function readLabels(text: string | undefined, row: MetricRow): Readonly<Record<string, string>> {
  if (text === undefined || text.trim() === '') return {};
  const pairs = text.trim().startsWith('{') ? fromJson(text) : text.split(',').map(pairOf);
  const names = ['node', ...row.labels];
  for (const [name] of pairs) {
    if (!names.includes(name)) throw new QueryError(`this metric has no label ${name}`, `it has ${names.join(', ')}`);
  }
  return Object.fromEntries(pairs);
}

function pairOf(text: string): readonly [string, string] {
  const at = text.indexOf('=');
  if (at < 1) throw new QueryError(`${JSON.stringify(text)} is no label=value`, 'labels=node=node07,gpu=0');
  return [text.slice(0, at).trim(), text.slice(at + 1).replace(/^"(.*)"$/, '$1')];
}

function fromJson(text: string): readonly (readonly [string, string])[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new QueryError('labels is not valid JSON', 'labels={"node":"node07"}');
  }
  const entries = Object.entries(parsed as object); // JSON that begins with a brace is an object
  return entries.map(([name, value]) => {
    if (typeof value !== 'string') throw new QueryError(`the value of label ${name} is no text`);
    return [name, value];
  });
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: HOUR_MS, d: 24 * HOUR_MS };

/** Milliseconds of `90s`, `1.5h`; a number alone is seconds. Undefined if it is none. */
function durationOf(text: string): number | undefined {
  const [, amount, unit = 's'] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text) ?? [];
  const factor = UNITS[unit];
  return amount === undefined || factor === undefined ? undefined : Number(amount) * factor;
}

/** Milliseconds since 1970, a date, `now`, or a time before now: `-2h`, `now-2h`. */
function readTime(text: string | undefined, nowMs: number, name: string): number | undefined {
  if (text === undefined || text === '') return undefined;
  if (text === 'now') return nowMs;
  const [, back] = /^(?:now)?-(.+)$/.exec(text) ?? [];
  const agoMs = back === undefined ? undefined : durationOf(back);
  if (agoMs !== undefined) return nowMs - agoMs;
  const ms = /^\d{12,15}$/.test(text) ? Number(text) : Date.parse(text);
  if (Number.isNaN(ms))
    throw new QueryError(
      `${name}=${text} is no time`,
      'times: 2026-11-26T10:00Z, now-2h, -2h, milliseconds since 1970',
    );
  return ms;
}

function readStep(text: string | undefined): number | undefined {
  if (text === undefined || text === '' || text === 'auto') return undefined;
  if (text === 'raw') return 0;
  const ms = durationOf(text);
  if (ms === undefined || ms <= 0) throw new QueryError(`step=${text} is no duration`, 'step=10s, step=raw, step=auto');
  return Math.max(1, Math.round(ms));
}
