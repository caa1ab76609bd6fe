// A snapshot as Prometheus text, OpenMetrics or JSON. https://prometheus.io/docs/instrumenting/exposition_formats/
import {
  type AbsenceReason,
  type AgentMetricId,
  agentCatalogue,
  deviceOf,
  isReason,
  metricName,
  namedLabels,
  PRESENT,
  reasonOfState,
  renderHeadOf,
  renderLinePrefix,
  renderSteps,
  type TextFormat,
} from '#agent/contract';
import type { Series, Snapshot } from './snapshot.ts';

/** A quantity that is missing, as `whyidle_unavailable` says it. */
export interface Unavailable {
  readonly area: string;
  readonly device: string;
  /** Metric id; empty for a whole device or area. */
  readonly name: string;
  readonly reason: AbsenceReason;
}

interface Line {
  readonly series: Series;
  /** Everything before the value. */
  readonly prefix: string;
}

interface Family {
  readonly id: AgentMetricId;
  readonly lines: readonly Line[];
}

/** The page of one node. What does not change between two readings is rendered once. */
export class TextPage {
  readonly #snapshot: Snapshot;
  readonly #node: string;
  #families: readonly Family[] = [];
  #generation = 0;

  constructor(snapshot: Snapshot, node: string) {
    this.#snapshot = snapshot;
    this.#node = node;
  }

  render(format: TextFormat): string {
    if (this.#snapshot.generation !== this.#generation) {
      this.#generation = this.#snapshot.generation;
      this.#families = familiesOf(this.#snapshot.series, this.#node);
    }
    const missing = this.#renderUnavailable();
    const families = this.#families.map(({ id, lines }) => renderFamily(id, lines.map(renderLine).join(''), format));
    return (
      families.join('') + renderFamily('unavailable', missing, format) + (format === 'openmetrics' ? '# EOF\n' : '')
    );
  }

  #renderUnavailable(): string {
    return readUnavailable(this.#snapshot)
      .map(
        ({ area, device, name, reason }) => `${prefixOf('unavailable', [this.#node, area, device, name, reason])}1\n`,
      )
      .join('');
  }
}

/** What is said to be missing and every series that has no value now, each once. */
export function readUnavailable(snapshot: Snapshot): readonly Unavailable[] {
  const found = new Map<string, Unavailable>();
  for (const series of snapshot.series) {
    const one = series.id === 'unavailable' ? statedBy(series) : missingIn(series);
    if (one) found.set(JSON.stringify([one.area, one.device, one.name, one.reason]), one);
  }
  return [...found.values()];
}

/** A value in base units: a number, or decimal text where a number could not hold it exactly. */
export function valueOf({ steps, row }: Series): number | string {
  return typeof steps === 'bigint' && !Number.isSafeInteger(Number(steps))
    ? renderSteps(steps, row.scale)
    : Number(steps) / row.scale;
}

export interface SampleDocument {
  readonly schema_version: 1;
  readonly node: string;
  readonly time: string;
  readonly samples: readonly {
    readonly metric: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly value: number | string;
  }[];
  readonly unavailable: readonly Unavailable[];
  readonly collectors: readonly { readonly area: string; readonly up: boolean; readonly seconds: number | null }[];
}

/** One reading as `whyidle sample --format json` prints it. */
export function renderDocument(snapshot: Snapshot, node: string, timeMs: number): SampleDocument {
  const present = snapshot.series.filter(({ state }) => state === PRESENT);
  return {
    schema_version: 1,
    node,
    time: new Date(timeMs).toISOString(),
    samples: present
      .filter(({ id }) => id !== 'unavailable')
      .map((series) => ({
        metric: metricName(series.id),
        labels: namedLabels(series.row, series.labels),
        value: valueOf(series),
      })),
    unavailable: readUnavailable(snapshot),
    collectors: collectorsOf(present),
  };
}

function familiesOf(series: readonly Series[], node: string): readonly Family[] {
  const families = new Map<AgentMetricId, Map<string, Line>>();
  for (const one of series) {
    if (one.id === 'unavailable') continue;
    const prefix = prefixOf(one.id, [node, ...one.labels]);
    const lines = families.get(one.id) ?? new Map<string, Line>();
    families.set(one.id, lines);
    // A scraper refuses a whole page for one series that is on it twice.
    if (!lines.has(prefix)) lines.set(prefix, { series: one, prefix });
  }
  return [...families].map(([id, lines]) => ({ id, lines: [...lines.values()] }));
}

function prefixOf(id: AgentMetricId, values: readonly string[]): string {
  return renderLinePrefix(metricName(id), ['node', ...agentCatalogue[id].labels], values);
}

function renderLine({ series, prefix }: Line): string {
  return series.state === PRESENT ? `${prefix}${renderSteps(series.steps, series.row.scale)}\n` : '';
}

/** A family without a value has no head either. */
function renderFamily(id: AgentMetricId, lines: string, format: TextFormat): string {
  return lines === '' ? '' : renderHeadOf(id, format) + lines;
}

function statedBy({ state, labels }: Series): Unavailable | undefined {
  const [area = '', device = '', name = '', reason = ''] = labels;
  return state === PRESENT && isReason(reason) ? { area, device, name, reason } : undefined;
}

function missingIn({ id, row, labels, state }: Series): Unavailable | undefined {
  const reason = reasonOfState(state);
  if (reason === undefined || row.kind === 'info') return undefined;
  return { area: row.area, device: deviceOf(row, labels), name: id, reason };
}

function collectorsOf(present: readonly Series[]): SampleDocument['collectors'] {
  const seconds = new Map(
    present.filter(({ id }) => id === 'collector_seconds').map((series) => [series.labels[0], Number(valueOf(series))]),
  );
  return present
    .filter(({ id }) => id === 'collector_up')
    .map(({ labels: [area = ''], steps }) => ({ area, up: Number(steps) === 1, seconds: seconds.get(area) ?? null }));
}
