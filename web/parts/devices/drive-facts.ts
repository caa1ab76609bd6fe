// One drive beyond its counters: what it carries of what it can, how slow it is beside its own quiet level, what its health log
// says, which mounts stand on it. Pure.
import { figureOf } from '../../format/quantity.ts';
import type { Device, NodeValues, SeriesIndex, Value } from '../../live/node-values.ts';

type Labels = Readonly<Record<string, string>>;

export interface DriveFacts {
  readonly disk: Device;
  readonly model: string;
  /** Empty where it is no NVMe drive. */
  readonly controller: Device | undefined;
  readonly mounts: readonly string[];
}

export function driveFacts(index: SeriesIndex): readonly DriveFacts[] {
  const infos = new Map(index.infos('disk_info').map((labels) => [labels['device'] ?? '', labels]));
  const mounts = Map.groupBy(index.infos('filesystem_disk_info'), ({ device = '' }) => device);
  return index.devices('disk_reads_completed_total', ['device']).map((disk) => {
    const { model = '', controller = '' }: Labels = infos.get(disk.key) ?? {};
    const found = (mounts.get(disk.key) ?? []).map(({ mountpoint = '' }) => mountpoint);
    return {
      disk,
      model,
      controller: controller === '' ? undefined : { key: controller, labels: { controller } },
      mounts: [...new Set(found)].toSorted(),
    };
  });
}

/** Leaf disks by mount. */
export function disksOfMounts(index: SeriesIndex): ReadonlyMap<string, readonly string[]> {
  const byMount = Map.groupBy(index.infos('filesystem_disk_info'), ({ mountpoint = '' }) => mountpoint);
  return new Map([...byMount].map(([mount, all]) => [mount, all.map(({ device = '' }) => device).toSorted()]));
}

/** `nvme0n1 … nvme7n1 (8)`; a few are named one by one. */
export function listText(names: readonly string[]): string {
  const sorted = names.toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  if (sorted.length <= 3) return sorted.join(' ');
  return `${sorted[0] ?? ''} … ${sorted.at(-1) ?? ''} (${sorted.length})`;
}

/** Reading and writing together, of what the drive can carry; undefined while that is not known. */
export function loadOf(values: NodeValues, disk: Device): Value {
  const ceiling = values.derivedOf('disk_throughput_ceiling_bytes_per_second', disk);
  const parts = [values.rateOf('disk_read_bytes_total', disk), values.rateOf('disk_written_bytes_total', disk)];
  const missing = parts.find((part) => part?.kind !== 'value');
  if (missing?.kind === 'absent') return missing;
  const sum = parts.reduce((total, part) => total + (part?.kind === 'value' ? part.value : NaN), 0);
  if (ceiling?.kind !== 'value' || !(ceiling.value > 0)) return undefined;
  return { kind: 'value', value: sum / ceiling.value };
}

export interface Latency {
  /** Mean of the last ten seconds, else of the last one; undefined while nothing is asked of the drive. */
  readonly now: Value;
  readonly quiet: Value;
  /** How often the quiet level; NaN where that is not known. */
  readonly times: number;
}

const sources = {
  read: ['disk_read_time_seconds_total', 'disk_reads_completed_total'],
  write: ['disk_write_time_seconds_total', 'disk_writes_completed_total'],
} as const;

export function latencyOf(values: NodeValues, disk: Device, way: 'read' | 'write'): Latency {
  const derived = values.derivedOf(`disk_${way}_latency_seconds`, disk);
  const quiet = values.derivedOf(`disk_${way}_latency_baseline_seconds`, disk);
  const [time, count] = sources[way];
  const now = derived ?? quotient(values.rateOf(time, disk), values.rateOf(count, disk));
  const known = now?.kind === 'value' && quiet?.kind === 'value' && quiet.value > 0;
  return { now, quiet, times: known ? now.value / quiet.value : NaN };
}

/** One rate by another; nothing while the divisor stands still. */
export function quotient(over: Value, under: Value): Value {
  if (over?.kind !== 'value' || under?.kind !== 'value') return over;
  // A rate that is not known yet is no rest.
  return under.value === 0 ? undefined : { kind: 'value', value: over.value / under.value };
}

/** Slower than its quiet level by so much is worth a look. */
const SLOW_TIMES = 3;
export const isSlow = ({ times }: Latency): boolean => times >= SLOW_TIMES;
export const timesText = ({ times, quiet }: Latency): string =>
  quiet?.kind === 'value' ? `${figureOf(times)}× its quiet ${figureOf(quiet.value * 1000)}` : '';

/** Whether any drive of the node has a health log, or a reason why not. */
export function hasHealth(index: SeriesIndex): boolean {
  return index.infos('nvme_used_ratio').length > 0;
}

/** What the drive warns of; empty while it is well, null where that is not known. */
export function warningsOf(index: SeriesIndex, values: NodeValues, controller: Device): readonly string[] | null {
  const all = index.infos('nvme_critical_warning').filter((labels) => labels['controller'] === controller.key);
  const read = all.map((labels) => ({
    kind: labels['kind'] ?? '',
    value: values.of('nvme_critical_warning', controller, labels),
  }));
  if (!read.some(({ value }) => value?.kind === 'value')) return null;
  return read.flatMap(({ kind, value }) =>
    value?.kind === 'value' && value.value === 1 ? [kind.replaceAll('_', ' ')] : [],
  );
}
