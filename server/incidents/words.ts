// Signals in words: what they are called and how their figures are written. The same on the page, the command line and in alerts.
import type { Evidence } from '../diagnosis/verdict.ts';

interface Word {
  readonly title: string;
  readonly show: (value: number) => string;
}

const percent = (value: number): string => `${Math.round(value * 100)} %`;
const count = (value: number): string => String(Math.round(value * 10) / 10);
const watts = (value: number): string => `${Math.round(value)} W`;
const hertz = (value: number): string => `${Math.round(value / 1e6)} MHz`;
const celsius = (value: number): string => `${Math.round(value)} °C`;
const gigabits = (value: number): string => `${Math.round((value * 8) / 1e9)} Gb/s`;
const megabytes = (value: number): string =>
  value >= 1e9 ? `${(value / 1e9).toFixed(1)} GB/s` : `${Math.round(value / 1e6)} MB/s`;
const gibibytes = (value: number): string => `${(value / 1024 ** 3).toFixed(1)} GiB`;

export function duration(seconds: number): string {
  if (seconds < 0.001) return `${Math.round(seconds * 1e6)} µs`;
  if (seconds < 1) return `${(seconds * 1000).toFixed(seconds < 0.01 ? 1 : 0)} ms`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

const words: Readonly<Record<string, Word>> = {
  workers_blocked: { title: 'loader workers blocked by I/O', show: percent },
  workers_waiting: { title: 'loader workers waiting for a CPU', show: percent },
  workers_running: { title: 'loader workers running', show: percent },
  workers_slack: { title: 'slack of the loader workers', show: percent },
  workers: { title: 'loader workers', show: count },
  workers_needed: { title: 'loader workers that would keep up', show: count },
  storage_load: { title: 'storage throughput by the most it gives', show: percent },
  storage_latency: { title: 'time of one read', show: duration },
  storage_read: { title: 'read from storage', show: megabytes },
  pressure_io: { title: 'time in which something waits for I/O', show: percent },
  pressure_cpu: { title: 'time in which something waits for a CPU', show: percent },
  host_cpu: { title: 'CPUs of the node busy', show: percent },
  main_thread: { title: 'main thread busy', show: percent },
  pcie_load: { title: 'PCIe towards the GPU', show: percent },
  pcie_width: { title: 'PCIe lanes', show: count },
  busy: { title: 'GPU busy', show: percent },
  activity: { title: 'GPU activity', show: percent },
  work: { title: 'work by what it could do', show: percent },
  nvlink_load: { title: 'NVLink', show: percent },
  infiniband_load: { title: 'InfiniBand ports', show: percent },
  infiniband_rate: { title: 'rate of the InfiniBand port', show: gigabits },
  port_wait: { title: 'InfiniBand ports without credit', show: percent },
  rail_bytes: { title: 'traffic of the quietest rail', show: megabytes },
  communication: { title: 'time in communication', show: percent },
  clock: { title: 'SM clock', show: hertz },
  temperature: { title: 'temperature', show: celsius },
  power: { title: 'power', show: watts },
  power_limit: { title: 'power limit', show: watts },
  throttle_power: { title: 'time at the power limit', show: percent },
  throttle_thermal: { title: 'time throttled by heat', show: percent },
  throttle_thermal_hw: { title: 'time throttled by heat, hardware', show: percent },
  throttle_brake: { title: 'time under the power brake', show: percent },
  memory_used: { title: 'GPU memory in use', show: gibibytes },
  processes: { title: 'processes on the GPU', show: count },
  fault: { title: 'time out of order', show: percent },
  age: { title: 'since the job began', show: duration },
};

export function titleOf(signal: string): string {
  return words[signal]?.title ?? signal;
}

export function showFigure({ signal }: Pick<Evidence, 'signal'>, value: number): string {
  return (words[signal]?.show ?? count)(value);
}
