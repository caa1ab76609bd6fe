// Sums over the series of one node or of all.
import type { AgentMetricId } from '#agent/contract';
import type { FabricTotals, StorageTotals } from '#server/contract';
import type { FleetNode } from './node.ts';

/** Sum over what is there; null if nothing is. */
export function sumOf(values: Iterable<number>): number | null {
  let sum: number | null = null;
  for (const value of values) if (!Number.isNaN(value)) sum = (sum ?? 0) + value;
  return sum;
}

export function levelsOf(node: FleetNode, metric: AgentMetricId): readonly number[] {
  return (node.schema.byMetric.get(metric) ?? []).map((series) => node.level(series));
}

export function ratesOf(node: FleetNode, metric: AgentMetricId): readonly number[] {
  return (node.schema.byMetric.get(metric) ?? []).map((series) => node.rate(series));
}

export function deviceCount(node: FleetNode, metric: AgentMetricId): number {
  return node.schema.byMetric.get(metric)?.length ?? 0;
}

/** Share of CPU time that was neither idle nor waiting, over all NUMA nodes. */
export function cpuBusyRatio(node: FleetNode): number | null {
  let busy = 0;
  let all = 0;
  for (const series of node.schema.byMetric.get('cpu_seconds_total') ?? []) {
    const rate = node.rate(series);
    if (Number.isNaN(rate)) continue;
    const mode = series.labels[series.row.labels.indexOf('mode')];
    all += rate;
    if (mode !== 'idle' && mode !== 'iowait') busy += rate;
  }
  return all > 0 ? busy / all : null;
}

export function storageTotals(nodes: readonly FleetNode[]): StorageTotals {
  const of = (read: typeof levelsOf, metric: AgentMetricId): number | null =>
    sumOf(nodes.flatMap((node) => read(node, metric)));
  return {
    disks: nodes.reduce((sum, node) => sum + deviceCount(node, 'disk_size_bytes'), 0),
    capacity_bytes: of(levelsOf, 'disk_size_bytes'),
    read_bytes_per_second: of(ratesOf, 'disk_read_bytes_total'),
    written_bytes_per_second: of(ratesOf, 'disk_written_bytes_total'),
    ...filesystemTotals(nodes),
  };
}

type FilesystemTotals = Pick<StorageTotals, 'filesystems' | 'filesystem_size_bytes' | 'filesystem_avail_bytes'>;

/** A file system counts once: however often a node mounts it, and shared ones over all nodes. */
function filesystemTotals(nodes: readonly FleetNode[]): FilesystemTotals {
  const size = new Map<string, number>();
  const avail = new Map<string, number>();
  for (const node of nodes) {
    collect(node, 'filesystem_size_bytes', size);
    collect(node, 'filesystem_avail_bytes', avail);
  }
  return {
    filesystems: size.size,
    filesystem_size_bytes: sumOf(size.values()),
    filesystem_avail_bytes: sumOf(avail.values()),
  };
}

function collect(node: FleetNode, metric: AgentMetricId, into: Map<string, number>): void {
  for (const series of node.schema.byMetric.get(metric) ?? []) {
    const [device = '', fstype = ''] = series.labels;
    const level = node.level(series);
    if (!Number.isNaN(level))
      into.set(JSON.stringify(isShared(device, fstype) ? [fstype, device] : [fstype, device, node.name]), level);
  }
}

function isShared(device: string, fstype: string): boolean {
  return /:\/|@.+:|^\/\//.test(device) || /^(nfs4?|lustre|gpfs|beegfs|ceph|cifs|smb3|wekafs|panfs)$/.test(fstype);
}

const ACTIVE = 4;

export function fabricTotals(nodes: readonly FleetNode[]): FabricTotals {
  const states = nodes.flatMap((node) => levelsOf(node, 'infiniband_state_id'));
  const of = (metric: AgentMetricId): number | null => sumOf(nodes.flatMap((node) => ratesOf(node, metric)));
  return {
    ports: states.length,
    ports_active: states.filter((state) => state === ACTIVE).length,
    received_bytes_per_second: of('infiniband_port_data_received_bytes_total'),
    transmitted_bytes_per_second: of('infiniband_port_data_transmitted_bytes_total'),
  };
}
