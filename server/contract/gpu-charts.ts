// Charts of GPUs on the node page.
import type { ChartSpec } from './chart-spec.ts';

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

export const gpuCharts: readonly ChartSpec[] = [
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
];
