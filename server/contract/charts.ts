// Charts of the node page: one row per chart. How a line's value follows from the series: chart-lines.ts.
import type { AgentMetricId, Unit } from '#agent/contract';

export type ChartSource =
  /** The level itself. */
  | { readonly kind: 'value'; readonly metric: AgentMetricId }
  /** Gain per second of a counter, or a level that says the same where the device has no counter. */
  | { readonly kind: 'rate'; readonly metric: AgentMetricId; readonly orLevel?: AgentMetricId }
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

export interface ChartOver {
  readonly label: string;
  /** Their sum, or the greatest: what goes on at the same time must not be added up. */
  readonly by: 'sum' | 'greatest';
  /** Only these values of the label. */
  readonly only?: readonly string[];
}

export interface ChartSpec {
  readonly id: string;
  readonly title: string;
  readonly unit: Unit;
  readonly source: ChartSource;
  /** Only series with these label values. */
  readonly where?: Readonly<Record<string, string>>;
  /** Series that differ in this label alone are one line; those that are not there count nothing. */
  readonly over?: ChartOver;
  /** Top of the scale where the unit has one. */
  readonly max?: number;
  /** What one line is, in the plural: "8 GPUs". */
  readonly lines: string;
  /** Not every device can tell: the chart is left out until a value has come. */
  readonly onceKnown?: true;
}

/** MIG instances are parts of their GPU. */
const wholeGpu = { mig_gi: '', mig_ci: '' } as const;

/** Reasons that hold clocks down; idleness and settings that somebody chose are none. */
export const heldDownBy = [
  'sw_power_cap',
  'hw_slowdown',
  'sw_thermal_slowdown',
  'hw_thermal_slowdown',
  'hw_power_brake_slowdown',
] as const;
/** As the counters of older drivers call them. */
export const olderReasons = ['thermal', 'board_limit', 'reliability'] as const;

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
    where: wholeGpu,
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
    id: 'gpu_sm_active',
    title: 'SMs active',
    unit: 'ratio',
    max: 1,
    lines: 'GPUs',
    onceKnown: true,
    source: { kind: 'value', metric: 'gpu_sm_active_ratio' },
  },
  {
    id: 'gpu_tensor_active',
    title: 'Tensor cores active',
    unit: 'ratio',
    max: 1,
    lines: 'GPUs',
    onceKnown: true,
    source: { kind: 'value', metric: 'gpu_tensor_active_ratio' },
  },
  {
    id: 'gpu_throttled',
    title: 'GPU throttled',
    unit: 'ratio',
    max: 1,
    lines: 'GPUs',
    onceKnown: true,
    over: { label: 'reason', by: 'greatest', only: [...heldDownBy, ...olderReasons] },
    source: { kind: 'rate', metric: 'gpu_throttle_seconds_total' },
  },
  {
    id: 'gpu_pcie_received',
    title: 'PCIe host to GPU',
    unit: 'bytes_per_second',
    lines: 'GPUs',
    onceKnown: true,
    source: { kind: 'rate', metric: 'gpu_pcie_rx_bytes_total', orLevel: 'gpu_pcie_rx_bytes_per_second' },
  },
  {
    id: 'gpu_nvlink_received',
    title: 'NVLink received',
    unit: 'bytes_per_second',
    lines: 'GPUs',
    onceKnown: true,
    over: { label: 'link', by: 'sum' },
    source: { kind: 'rate', metric: 'gpu_nvlink_rx_bytes_total', orLevel: 'gpu_nvlink_rx_bytes_per_second' },
  },
  {
    id: 'gpu_nvlink_sent',
    title: 'NVLink sent',
    unit: 'bytes_per_second',
    lines: 'GPUs',
    onceKnown: true,
    over: { label: 'link', by: 'sum' },
    source: { kind: 'rate', metric: 'gpu_nvlink_tx_bytes_total', orLevel: 'gpu_nvlink_tx_bytes_per_second' },
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
