// What one reading of the node says, asked by metric and label.
import {
  isReason,
  PRESENT,
  reasonOfState,
  type AbsenceReason,
  type AgentMetricId,
  type LabelsOf,
} from '#agent/contract';
import { valueOf } from '../../exposition.ts';
import type { Series, Snapshot } from '../../snapshot.ts';

export interface FoundSeries {
  /** NaN where it is absent. */
  readonly value: number;
  readonly reason: AbsenceReason | undefined;
  readonly label: (name: string) => string;
}

export class SeriesFacts {
  readonly #byMetric: ReadonlyMap<AgentMetricId, readonly Series[]>;

  constructor(snapshot: Snapshot) {
    this.#byMetric = Map.groupBy(snapshot.series, ({ id }) => id);
  }

  all(metric: AgentMetricId): readonly FoundSeries[] {
    return (this.#byMetric.get(metric) ?? []).map(found);
  }

  /** The only series of a metric; undefined where it is not there or has no value. */
  value(metric: AgentMetricId): number | undefined {
    const value = this.all(metric)[0]?.value ?? NaN;
    return Number.isNaN(value) ? undefined : value;
  }

  /** Values of one label where the series has this value, in the order of the series. */
  labelsWhere<M extends AgentMetricId>(metric: M, label: keyof LabelsOf<M> & string, value: number): readonly string[] {
    return this.all(metric).flatMap((one) => (one.value === value ? [one.label(label)] : []));
  }

  /** Each value of a label once, without the empty one. */
  distinct<M extends AgentMetricId>(metric: M, label: keyof LabelsOf<M> & string): readonly string[] {
    return [...new Set(this.all(metric).map((one) => one.label(label)))].filter((text) => text !== '');
  }

  /** Why an area is missing as a whole. */
  missing(area: string): AbsenceReason | undefined {
    const stated = this.all('unavailable').find(
      ({ label }) => label('area') === area && label('device') === '' && label('name') === '',
    );
    const reason = stated?.label('reason') ?? '';
    return isReason(reason) ? reason : undefined;
  }

  /** Metrics that have a value. */
  get present(): ReadonlySet<AgentMetricId> {
    const present = [...this.#byMetric].filter(([, series]) => series.some(({ state }) => state === PRESENT));
    return new Set(present.map(([id]) => id));
  }
}

function found(series: Series): FoundSeries {
  return {
    value: series.state === PRESENT ? Number(valueOf(series)) : NaN,
    reason: reasonOfState(series.state),
    label: (name) => series.labels[series.row.labels.indexOf(name)] ?? '',
  };
}
