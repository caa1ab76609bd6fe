// A column of a GPU as a series of the snapshot.
import { agentCatalogue, type CounterId, type LabelsOf } from '#agent/contract';
import type { GpuColumn, GpuIdentity, GpuValueId } from '../../parse/gpu/sheet.ts';
import { CounterSeries, type GaugeSeries, type SeriesGroup } from '../../snapshot.ts';

export type ValueSeries = CounterSeries | GaugeSeries;

export function addSeries(group: SeriesGroup, identity: GpuIdentity, { id, labels }: GpuColumn): ValueSeries {
  const all = { ...identity, ...labels };
  return isCounter(id) ? group.counter(id, labelsFor(all)) : group.gauge(id, labelsFor(all));
}

/** Counters in whole steps, levels in base units. */
export function setSeries(series: ValueSeries, value: number | bigint): void {
  if (series instanceof CounterSeries) series.set(value);
  else series.set(Number(value));
}

function isCounter(id: GpuValueId): id is GpuValueId & CounterId {
  return agentCatalogue[id].kind === 'counter';
}

/** A column has the labels of its metric: `columnOf` let no other be made. */
function labelsFor<M extends GpuValueId>(labels: Readonly<Record<string, string>>): LabelsOf<M> {
  return labels;
}
