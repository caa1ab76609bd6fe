// The values of one node at one tick, by metric and device.
import {
  catalogue,
  reasonOfState,
  rowOf,
  type AbsenceReason,
  type AgentMetricId,
  type DerivedMetricId,
  type MetricId,
} from '#agent/contract';
import type { NodeTick, SchemaEntry, SeriesView } from '#server/contract';
import { bytesOf, float32Of, float64Of } from './bytes.ts';
import type { RecentLevels } from './recent-levels.ts';

/** A cell of a table: a number, why there is none, or `undefined` where the device has no such series. */
export type Value =
  | { readonly kind: 'value'; readonly value: number }
  | { readonly kind: 'absent'; readonly reason: AbsenceReason }
  | undefined;

export interface Device {
  readonly key: string;
  readonly labels: Readonly<Record<string, string>>;
}

export class NodeValues implements SeriesView {
  readonly #levels: Float64Array;
  readonly #rates: Float32Array;
  readonly #states: Uint8Array;
  readonly #index: SeriesIndex;
  readonly #derived: ReadonlyMap<string, number>;
  readonly #tick: NodeTick;
  readonly #recent: RecentLevels | undefined;

  /** `recent`: the levels before these, for what is not read every second. */
  constructor(index: SeriesIndex, tick: NodeTick, recent?: RecentLevels) {
    this.#index = index;
    this.#levels = float64Of(tick.levels);
    this.#rates = float32Of(tick.rates);
    this.#states = bytesOf(tick.states);
    this.#tick = tick;
    this.#recent = recent;
    recent?.add({ timeMs: tick.time_ms, levels: this.#levels, states: this.#states });
    this.#derived = new Map(tick.derived.map(([id, labels, value]) => [keyOf(id, labels), value]));
  }

  level(at: number): number {
    return this.#states[at] === 0 ? (this.#levels[at] ?? NaN) : NaN;
  }
  rate(at: number): number {
    return this.#states[at] === 0 ? (this.#rates[at] ?? NaN) : NaN;
  }

  /** The level of a metric for a device, told apart further by the labels given. */
  of(metric: AgentMetricId, device: Device, labels: Readonly<Record<string, string>> = {}): Value {
    return this.#value(this.#index.find(metric, { ...device.labels, ...labels }), (at) => this.level(at));
  }

  rateOf(metric: AgentMetricId, device: Device, labels: Readonly<Record<string, string>> = {}): Value {
    const recent = rowOf(metric).lane === 'medium' ? this.#recent : undefined;
    return this.#value(this.#index.find(metric, { ...device.labels, ...labels }), (at) =>
      recent ? recent.rate(at) : this.rate(at),
    );
  }

  /** What the server derives for a device; undefined while it is not known. */
  derivedOf(metric: DerivedMetricId, device: Device, labels: Readonly<Record<string, string>> = {}): Value {
    const value = this.#derived.get(keyOf(metric, labelsOf(metric, { ...device.labels, ...labels })));
    return value === undefined ? undefined : { kind: 'value', value };
  }

  /** All label sets of a derived metric. */
  derivedInfos(metric: DerivedMetricId): readonly Readonly<Record<string, string>>[] {
    const names: readonly string[] = catalogue[metric].labels;
    return this.#tick.derived.flatMap(([id, values]) =>
      id === metric ? [Object.fromEntries(names.map((name, at) => [name, values[at] ?? '']))] : [],
    );
  }

  /** Share of a counter's gain over one label's values, without those named. */
  shareOf(metric: AgentMetricId, device: Device, label: string, without: readonly string[]): Value {
    const parts = this.#index
      .infos(metric)
      .filter((labels) => Object.entries(device.labels).every(([name, value]) => labels[name] === value))
      .map((labels) => ({ counts: !without.includes(labels[label] ?? ''), rate: this.rateOf(metric, device, labels) }));
    const sum = (some: typeof parts): number =>
      some.reduce((total, { rate }) => total + (rate?.kind === 'value' ? rate.value : NaN), 0);
    if (parts.length === 0) return undefined;
    const absence = parts.find(({ rate }) => rate?.kind === 'absent');
    return absence ? absence.rate : { kind: 'value', value: sum(parts.filter(({ counts }) => counts)) / sum(parts) };
  }

  #value(at: number | undefined, read: (at: number) => number): Value {
    if (at === undefined) return undefined;
    const reason = reasonOfState(this.#states[at] ?? 0);
    if (reason !== undefined) return { kind: 'absent', reason };
    return { kind: 'value', value: read(at) };
  }
}

/** Where each series of a node is; built once per directory. */
export class SeriesIndex {
  readonly #byKey = new Map<string, number>();
  readonly #entries: readonly SchemaEntry[];

  constructor(entries: readonly SchemaEntry[]) {
    this.#entries = entries;
    for (const [at, [metric, labels]] of entries.entries()) this.#byKey.set(keyOf(metric, labels), at);
  }

  find(metric: AgentMetricId, labels: Readonly<Record<string, string>>): number | undefined {
    return this.#byKey.get(keyOf(metric, labelsOf(metric, labels)));
  }

  /** Devices that have a metric, one per distinct set of the labels named. */
  devices(metric: AgentMetricId, names: readonly string[]): readonly Device[] {
    const found = new Map<string, Device>();
    for (const labels of this.infos(metric)) {
      const own = Object.fromEntries(names.map((name) => [name, labels[name] ?? '']));
      const key = Object.values(own).join('/');
      found.set(key, { key, labels: own });
    }
    return [...found.values()].toSorted((a, b) => a.key.localeCompare(b.key, 'en', { numeric: true }));
  }

  /** All label sets of a metric. */
  infos(metric: AgentMetricId): readonly Readonly<Record<string, string>>[] {
    const names: readonly string[] = catalogue[metric].labels;
    return this.#entries
      .filter(([id]) => id === metric)
      .map(([, values]) => Object.fromEntries(names.map((name, at) => [name, values[at] ?? ''])));
  }
}

function keyOf(metric: string, labels: readonly string[]): string {
  return [metric, ...labels].join('\u0000');
}

/** In the order of the row. */
function labelsOf(metric: MetricId, labels: Readonly<Record<string, string>>): readonly string[] {
  return catalogue[metric].labels.map((name) => labels[name] ?? '');
}
