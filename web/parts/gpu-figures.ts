// Figures of one GPU that take more than one series: rates with their stand-ins, sums over links, shares of the last minute.
import { heldDownBy } from '#server/contract';
import type { ChartStore } from '../live/chart-store.ts';
import type { Device, NodeValues, SeriesIndex, Value } from '../live/node-values.ts';

const MINUTE_MS = 60_000;

/** What holds the clocks down now; idleness and settings that somebody chose are no fault. */
export function throttleText(values: NodeValues, device: Device): string {
  const found = heldDownBy.map((reason) => ({ reason, value: values.of('gpu_throttle_active', device, { reason }) }));
  if (found.every(({ value }) => value?.kind !== 'value')) return 'not known';
  const active = found.flatMap(({ reason, value }) =>
    value?.kind === 'value' && value.value === 1 ? [reason.replaceAll('_', ' ')] : [],
  );
  return active.length === 0 ? 'no' : active.join(', ');
}

/** One of the counters of throttled time that has a value now; else why there is none. */
export function throttleCounts(index: SeriesIndex, values: NodeValues, device: Device): Value {
  const counts = index
    .infos('gpu_throttle_seconds_total')
    .filter(({ gpu, uuid }) => gpu === device.labels['gpu'] && uuid === device.labels['uuid'])
    .map((labels) => values.of('gpu_throttle_seconds_total', device, labels));
  return counts.find((count) => count?.kind === 'value') ?? counts[0];
}

/** Mean over the last minute of a chart's line; undefined where the device has no such line, NaN until it has a value. */
export function minuteMean(charts: ChartStore | undefined, chart: string, line: string): Value {
  const points = charts?.charts
    .find(({ spec }) => spec.id === chart)
    ?.lines.find((one) => one.line.name === line)?.points;
  if (!charts || !points) return undefined;
  const recent = points.filter(({ x, y }) => x > charts.lastMs - MINUTE_MS && Number.isFinite(y));
  return { kind: 'value', value: recent.reduce((sum, { y }) => sum + y, 0) / recent.length };
}

type Direction = 'rx' | 'tx';

export function pcieRate(values: NodeValues, device: Device, direction: Direction): Value {
  return preferred(
    values.rateOf(`gpu_pcie_${direction}_bytes_total`, device),
    values.of(`gpu_pcie_${direction}_bytes_per_second`, device),
  );
}

/** Over all links that have a value. */
export function nvlinkRate(index: SeriesIndex, values: NodeValues, device: Device, direction: Direction): Value {
  const links = (metric: Parameters<NodeValues['of']>[0]): readonly Readonly<Record<string, string>>[] =>
    index.infos(metric).filter(({ gpu, uuid }) => gpu === device.labels['gpu'] && uuid === device.labels['uuid']);
  const counter = `gpu_nvlink_${direction}_bytes_total` as const;
  const level = `gpu_nvlink_${direction}_bytes_per_second` as const;
  return preferred(
    sumOf(links(counter).map((labels) => values.rateOf(counter, device, labels))),
    sumOf(links(level).map((labels) => values.of(level, device, labels))),
  );
}

/** The counter's rate, or the level that stands in for it; else why the counter says nothing. */
function preferred(counter: Value, level: Value): Value {
  const isKnown = (value: Value): boolean => value?.kind === 'value' && Number.isFinite(value.value);
  if (isKnown(counter)) return counter;
  return isKnown(level) ? level : (counter ?? level);
}

function sumOf(parts: readonly Value[]): Value {
  const known = parts.flatMap((part) => (part?.kind === 'value' && Number.isFinite(part.value) ? [part.value] : []));
  return known.length === 0 ? parts[0] : { kind: 'value', value: known.reduce((sum, one) => sum + one, 0) };
}
