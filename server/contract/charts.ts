// Charts of the node page: one row per chart, and how a line's value follows from the node's series.
// Pure, so that the server's history and the page's live points are computed by the same code.
import { rowOf, type AgentMetricId, type Unit } from '#agent/contract';

export type ChartSource =
  /** The level itself. */
  | { readonly kind: 'value'; readonly metric: AgentMetricId }
  /** Gain per second of a counter. */
  | { readonly kind: 'rate'; readonly metric: AgentMetricId }
  /** Gain of one counter by gain of another; nothing while the divisor stands still. */
  | { readonly kind: 'quotient'; readonly metric: AgentMetricId; readonly by: AgentMetricId }
  /** Share of one label's values in the gain of a counter, without those named. */
  | {
      readonly kind: 'share';
      readonly metric: AgentMetricId;
      readonly label: string;
      readonly without: readonly string[];
    }
  /** One minus a level by another level of the same device. */
  | { readonly kind: 'used'; readonly metric: AgentMetricId; readonly of: AgentMetricId };

export interface ChartSpec {
  readonly id: string;
  readonly title: string;
  readonly unit: Unit;
  readonly source: ChartSource;
  /** Only series with these label values. */
  readonly where?: Readonly<Record<string, string>>;
  /** Top of the scale where the unit has one. */
  readonly max?: number;
  /** What one line is, in the plural: "8 GPUs". */
  readonly lines: string;
}

export const nodeCharts: readonly ChartSpec[] = [
  {
    id: 'gpu_busy',
    title: 'GPU busy',
    unit: 'ratio',
    max: 1,
    lines: 'GPUs',
    source: { kind: 'value', metric: 'gpu_utilization_ratio' },
  },
  {
    id: 'gpu_power',
    title: 'GPU power',
    unit: 'watts',
    lines: 'GPUs',
    source: { kind: 'value', metric: 'gpu_power_watts' },
  },
  {
    id: 'gpu_memory',
    title: 'GPU memory used',
    unit: 'bytes',
    lines: 'GPUs',
    source: { kind: 'value', metric: 'gpu_memory_used_bytes' },
  },
  {
    id: 'gpu_temperature',
    title: 'GPU temperature',
    unit: 'celsius',
    lines: 'GPUs',
    source: { kind: 'value', metric: 'gpu_temperature_celsius' },
  },
  {
    id: 'disk_read',
    title: 'Disk read',
    unit: 'bytes_per_second',
    lines: 'disks',
    source: { kind: 'rate', metric: 'disk_read_bytes_total' },
  },
  {
    id: 'disk_written',
    title: 'Disk written',
    unit: 'bytes_per_second',
    lines: 'disks',
    source: { kind: 'rate', metric: 'disk_written_bytes_total' },
  },
  {
    id: 'disk_latency',
    title: 'Disk read latency',
    unit: 'seconds',
    lines: 'disks',
    source: { kind: 'quotient', metric: 'disk_read_time_seconds_total', by: 'disk_reads_completed_total' },
  },
  {
    id: 'disk_queue',
    title: 'Disk queue',
    unit: 'count',
    lines: 'disks',
    source: { kind: 'rate', metric: 'disk_io_time_weighted_seconds_total' },
  },
  {
    id: 'ib_received',
    title: 'InfiniBand received',
    unit: 'bytes_per_second',
    lines: 'ports',
    source: { kind: 'rate', metric: 'infiniband_port_data_received_bytes_total' },
  },
  {
    id: 'ib_sent',
    title: 'InfiniBand sent',
    unit: 'bytes_per_second',
    lines: 'ports',
    source: { kind: 'rate', metric: 'infiniband_port_data_transmitted_bytes_total' },
  },
  {
    id: 'cpu_busy',
    title: 'CPU busy',
    unit: 'ratio',
    max: 1,
    lines: 'NUMA nodes',
    source: { kind: 'share', metric: 'cpu_seconds_total', label: 'mode', without: ['idle', 'iowait'] },
  },
  {
    id: 'cpu_busiest',
    title: 'Busiest CPU',
    unit: 'ratio',
    max: 1,
    lines: 'NUMA nodes',
    source: { kind: 'value', metric: 'cpu_busiest_ratio' },
  },
  {
    id: 'memory_used',
    title: 'Memory used',
    unit: 'ratio',
    max: 1,
    lines: 'hosts',
    source: { kind: 'used', metric: 'memory_available_bytes', of: 'memory_total_bytes' },
  },
  {
    id: 'pressure_cpu',
    title: 'CPU pressure',
    unit: 'ratio',
    max: 1,
    lines: 'hosts',
    source: { kind: 'rate', metric: 'pressure_cpu_waiting_seconds_total' },
  },
  {
    id: 'pressure_io',
    title: 'I/O pressure',
    unit: 'ratio',
    max: 1,
    lines: 'hosts',
    source: { kind: 'rate', metric: 'pressure_io_waiting_seconds_total' },
  },
  {
    id: 'network_received',
    title: 'Network received',
    unit: 'bytes_per_second',
    lines: 'interfaces',
    source: { kind: 'rate', metric: 'network_receive_bytes_total' },
  },
  {
    id: 'network_sent',
    title: 'Network sent',
    unit: 'bytes_per_second',
    lines: 'interfaces',
    source: { kind: 'rate', metric: 'network_transmit_bytes_total' },
  },
];

/** One series as the schema names it: metric id and label values in the row's order. */
export type SchemaEntry = readonly [metric: AgentMetricId, labels: readonly string[]];

export interface ChartLine {
  /** The device: `nvme0n1`, `GPU 3`, `mlx5_0/1`; empty where there is only one. */
  readonly name: string;
  readonly source: ChartSource['kind'];
  /** Indexes of the series above and below the division; `below` is empty for plain values and rates. */
  readonly above: readonly number[];
  readonly below: readonly number[];
}

/** What a line's value is computed from. NaN means not there. */
export interface SeriesView {
  /** Level in base units. */
  level(index: number): number;
  /** Gain per second in base units. */
  rate(index: number): number;
}

export function linesOf(spec: ChartSpec, schema: readonly SchemaEntry[]): readonly ChartLine[] {
  const { source } = spec;
  const drop = source.kind === 'share' ? source.label : undefined;
  const mine = entriesOf(schema, source.metric, spec.where ?? {});
  const groups = Map.groupBy(mine, ({ labels }) => keyOf(labels, drop));
  return [...groups.values()].map((group) => {
    const first = group[0]?.labels ?? {};
    return { name: deviceName(first, drop), source: source.kind, ...partsOf(source, group, schema) };
  });
}

/** The line's value now; NaN where it cannot be told. */
export function valueOf(line: ChartLine, view: SeriesView): number {
  const sum = (indexes: readonly number[], of: (index: number) => number): number =>
    indexes.reduce((total, index) => total + of(index), 0);
  const rate = (index: number): number => view.rate(index);
  const level = (index: number): number => view.level(index);
  switch (line.source) {
    case 'value':
      return sum(line.above, level);
    case 'rate':
      return sum(line.above, rate);
    case 'quotient':
    case 'share': {
      const below = sum(line.below, rate);
      return below > 0 ? sum(line.above, rate) / below : NaN;
    }
    case 'used': {
      const below = sum(line.below, level);
      return below > 0 ? 1 - sum(line.above, level) / below : NaN;
    }
  }
}

interface Indexed {
  readonly index: number;
  readonly labels: Readonly<Record<string, string>>;
}

function entriesOf(
  schema: readonly SchemaEntry[],
  metric: AgentMetricId,
  where: Readonly<Record<string, string>>,
): readonly Indexed[] {
  const names = rowOf(metric).labels;
  return schema.flatMap(([id, values], index) => {
    if (id !== metric) return [];
    const labels = Object.fromEntries(names.map((name, at) => [name, values[at] ?? '']));
    return Object.entries(where).every(([name, value]) => labels[name] === value) ? [{ index, labels }] : [];
  });
}

function partsOf(
  source: ChartSource,
  group: readonly Indexed[],
  schema: readonly SchemaEntry[],
): Pick<ChartLine, 'above' | 'below'> {
  const all = group.map(({ index }) => index);
  switch (source.kind) {
    case 'value':
    case 'rate':
      return { above: all, below: [] };
    case 'share':
      return {
        above: group
          .filter(({ labels }) => !source.without.includes(labels[source.label] ?? ''))
          .map(({ index }) => index),
        below: all,
      };
    case 'quotient':
      return { above: all, below: entriesOf(schema, source.by, group[0]?.labels ?? {}).map(({ index }) => index) };
    case 'used':
      return { above: all, below: entriesOf(schema, source.of, group[0]?.labels ?? {}).map(({ index }) => index) };
  }
}

function keyOf(labels: Readonly<Record<string, string>>, drop: string | undefined): string {
  return Object.entries(labels)
    .filter(([name]) => name !== drop)
    .map(([, value]) => value)
    .join('\u0000');
}

function deviceName(labels: Readonly<Record<string, string>>, drop: string | undefined): string {
  if (labels['gpu'] !== undefined) return `GPU ${labels['gpu']}`;
  if (labels['port'] !== undefined) return `${labels['device'] ?? ''}/${labels['port']}`;
  const [first] = Object.entries(labels).filter(([name]) => name !== drop);
  if (!first) return '';
  return first[0] === 'numa_node' ? `NUMA ${first[1]}` : first[1];
}
