// The readings of one node as they stand: series grouped by the device they live and die with.
import {
  agentCatalogue,
  agentMetricIds,
  type Absence,
  type AbsenceReason,
  type AgentMetricId,
  type Amount,
  type CounterId,
  isAbsent,
  type GaugeId,
  type InfoId,
  type LabelsOf,
  type MetricRow,
  PRESENT,
  stateOfReason,
  type Steps,
  type Unit,
  type UnitOf,
} from '#agent/contract';

/** One series: where a reader leaves its value. */
export class Series {
  readonly id: AgentMetricId;
  readonly row: MetricRow;
  readonly labels: readonly string[];
  steps: Steps = 0;
  /** 0 = present, else 1 + index of the reason. A series starts absent: nothing has been read. */
  state = stateOfReason('not_present');

  constructor(id: AgentMetricId, labels: readonly string[]) {
    this.id = id;
    this.row = agentCatalogue[id];
    this.labels = labels;
  }

  absent(reason: AbsenceReason): void {
    this.state = stateOfReason(reason);
  }
}

/** A device's own running count, in whole steps of 1/scale, as the source prints it. */
export class CounterSeries extends Series {
  set(steps: Steps): void {
    this.steps = steps;
    this.state = PRESENT;
  }
}

/** A level in base units; kept to the resolution of its row. What is not a number is malformed, never zero. */
export class GaugeSeries<U extends Unit = Unit> extends Series {
  set(value: Amount<U>): void {
    const steps = Math.round(value * this.row.scale);
    if (!Number.isFinite(steps)) {
      this.absent('malformed');
      return;
    }
    this.steps = steps;
    this.state = PRESENT;
  }

  /** A value or why there is none. */
  put(value: Amount<U> | Absence): void {
    if (isAbsent(value)) this.absent(value.reason);
    else this.set(value);
  }
}

/** The series of one device: they come and go together. */
export class SeriesGroup {
  readonly #series: Series[] = [];
  readonly #changed: () => void;

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  get series(): readonly Series[] {
    return this.#series;
  }

  counter<M extends CounterId>(id: M, labels: LabelsOf<M>): CounterSeries {
    return this.#add(new CounterSeries(id, labelValues(id, labels)));
  }

  gauge<M extends GaugeId>(id: M, labels: LabelsOf<M>): GaugeSeries<UnitOf<M>> {
    return this.#add(new GaugeSeries<UnitOf<M>>(id, labelValues(id, labels)));
  }

  /** An info series has the value 1 from the start. */
  info<M extends InfoId>(id: M, labels: LabelsOf<M>): void {
    const series = this.#add(new Series(id, labelValues(id, labels)));
    series.steps = 1;
    series.state = PRESENT;
  }

  /** Says that a whole device or area is not to be had, and why. */
  unavailable(area: string, device: string, reason: AbsenceReason): void {
    this.info('unavailable', { area, device, name: '', reason });
  }

  /** Every series loses its value: the reader failed as a whole. Info series stay. */
  absent(reason: AbsenceReason): void {
    for (const series of this.#series) {
      if (series.row.kind !== 'info') series.absent(reason);
    }
  }

  /** These are gone; the others stay. */
  drop(gone: ReadonlySet<Series>): void {
    const kept = this.#series.filter((series) => !gone.has(series));
    if (kept.length === this.#series.length) return;
    this.#series.splice(0, this.#series.length, ...kept);
    this.#changed();
  }

  clear(): void {
    if (this.#series.length === 0) return;
    this.#series.length = 0;
    this.#changed();
  }

  #add<S extends Series>(series: S): S {
    this.#series.push(series);
    this.#changed();
    return series;
  }
}

function labelValues(id: AgentMetricId, labels: Readonly<Record<string, string>>): readonly string[] {
  return agentCatalogue[id].labels.map((label) => labels[label] ?? '');
}

export class Snapshot {
  readonly #groups = new Set<SeriesGroup>();
  #series: readonly Series[] | undefined;
  #generation = 0;

  /** A new group, on the page from now on until it is removed. */
  group(): SeriesGroup {
    const group = new SeriesGroup(() => {
      this.#series = undefined;
    });
    this.#groups.add(group);
    return group;
  }

  remove(group: SeriesGroup): void {
    if (this.#groups.delete(group)) this.#series = undefined;
  }

  /** All series in catalogue order. The same array until a series comes or goes. */
  get series(): readonly Series[] {
    return this.#refresh();
  }

  /** Grows whenever the set of series changed. */
  get generation(): number {
    this.#refresh();
    return this.#generation;
  }

  #refresh(): readonly Series[] {
    if (!this.#series) {
      this.#series = inCatalogueOrder([...this.#groups].flatMap((group) => group.series));
      this.#generation++;
    }
    return this.#series;
  }
}

const order = new Map(agentMetricIds.map((id, index) => [id, index]));

function inCatalogueOrder(series: readonly Series[]): readonly Series[] {
  return series.toSorted((a, b) => (order.get(a.id) ?? 0) - (order.get(b.id) ?? 0));
}
