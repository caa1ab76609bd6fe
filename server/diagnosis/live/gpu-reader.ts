// The signals of one GPU out of the newest frame of its node.
import { gpuSignals, type AgentMetricId, type GpuFacts, type GpuSignals } from '#agent/contract';
import type { FleetGpu } from '../../fleet/gpu.ts';
import type { FleetNode } from '../../fleet/node.ts';
import type { PublishedSeries } from '../../fleet/schema.ts';
import { isFault } from '../outage.ts';

/** Payload of one lane by PCIe generation, in bytes a second: 8b/10b, then 128b/130b, less packet overhead. */
const LANE_BPS = [NaN, 0.2e9, 0.4e9, 0.79e9, 1.57e9, 3.15e9, 6.3e9] as const;
/** What an NVLink carries in both directions, where the driver does not say: generation 2, of the V100. */
const NVLINK_BPS = 50e9;

export class GpuReader {
  readonly #node: FleetNode;
  readonly #gpu: FleetGpu;
  readonly #series: ReadonlyMap<AgentMetricId, readonly PublishedSeries[]>;

  constructor(node: FleetNode, gpu: FleetGpu) {
    this.#node = node;
    this.#gpu = gpu;
    const own = node.schema.published.filter(
      ({ row, labels }) =>
        row.labels[0] === 'gpu' && row.labels[1] === 'uuid' && labels[0] === gpu.gpu && labels[1] === gpu.uuid,
    );
    // Those of MIG instances are parts of it.
    const whole = own.filter(
      ({ row, labels }) => !row.labels.some((name, at) => name.startsWith('mig_') && labels[at] !== ''),
    );
    this.#series = Map.groupBy(whole, ({ id }) => id);
  }

  /** undefined where it could not be seen what the GPU does. */
  read(): GpuSignals | undefined {
    const { outage } = this.#gpu;
    if (outage) return isFault(outage.kind) ? gpuSignals({ fault: 1 }) : undefined;
    const engine = this.#level('gpu_graphics_engine_active_ratio');
    const energy = this.#rate('gpu_energy_joules_total');
    const workers = this.#level('gpu_workers');
    const state = (name: string): number => this.#rate('gpu_worker_seconds_total', 'state', name);
    const throttle = (name: string): number => this.#rate('gpu_throttle_seconds_total', 'reason', name);
    return gpuSignals({
      busy: Number.isNaN(engine) ? this.#level('gpu_utilization_ratio') : engine,
      sm: this.#level('gpu_sm_active_ratio'),
      dram: this.#level('gpu_dram_active_ratio'),
      tensor: this.#level('gpu_tensor_active_ratio'),
      powerW: Number.isNaN(energy) ? this.#level('gpu_power_watts') : energy,
      temperatureC: this.#level('gpu_temperature_celsius'),
      clockHz: this.#level('gpu_clock_hertz', 'domain', 'sm'),
      memoryUsedBytes: this.#level('gpu_memory_used_bytes'),
      processes: this.#gpu.processes,
      pcieRxBps: orElse(this.#rate('gpu_pcie_rx_bytes_total'), this.#level('gpu_pcie_rx_bytes_per_second')),
      pcieTxBps: orElse(this.#rate('gpu_pcie_tx_bytes_total'), this.#level('gpu_pcie_tx_bytes_per_second')),
      nvlinkBps: this.#nvlink(),
      mainThread: this.#level('gpu_owner_main_thread_ratio'),
      workers,
      workersRunning: state('running'),
      workersWaiting: state('waiting'),
      workersBlocked: state('blocked'),
      throttlePower: throttle('sw_power_cap'),
      throttleThermal: throttle('sw_thermal_slowdown'),
      throttleThermalHw: throttle('hw_thermal_slowdown'),
      throttleBrake: throttle('hw_power_brake_slowdown'),
      pcieGeneration: this.#level('gpu_pcie_link_generation'),
      pcieWidth: this.#level('gpu_pcie_link_width'),
      fault: 0,
    });
  }

  facts(): GpuFacts {
    const limitW = this.#level('gpu_power_limit_watts');
    const generation = this.#level('gpu_pcie_link_generation_max');
    const width = this.#level('gpu_pcie_link_width_max');
    const links = this.#series.get('gpu_nvlink_up')?.length ?? 0;
    const speeds = sum(
      (this.#series.get('gpu_nvlink_speed_bytes_per_second') ?? []).map((one) => this.#node.level(one)),
    );
    return {
      gpu: this.#gpu.gpu,
      uuid: this.#gpu.uuid,
      model: this.#gpu.name,
      memoryBytes: this.#level('gpu_memory_total_bytes'),
      powerLimitW: limitW,
      powerDefaultW: orElse(this.#level('gpu_power_limit_default_watts'), limitW),
      clockMaxHz: this.#level('gpu_clock_max_hertz', 'domain', 'sm'),
      pcieBps: (LANE_BPS[generation] ?? NaN) * width,
      pcieGenerationMax: generation,
      pcieWidthMax: width,
      // The speed is that of one direction.
      nvlinkBps: Number.isNaN(speeds) ? (links > 0 ? links * NVLINK_BPS : NaN) : 2 * speeds,
      contextW: NaN,
      slowdownC: this.#level('gpu_temperature_threshold_celsius', 'kind', 'slowdown'),
    };
  }

  #find(metric: AgentMetricId, label?: string, value?: string): PublishedSeries | undefined {
    const all = this.#series.get(metric);
    if (label === undefined) return all?.[0];
    return all?.find(({ row, labels }) => labels[row.labels.indexOf(label)] === value);
  }

  #level(metric: AgentMetricId, label?: string, value?: string): number {
    return this.#node.level(this.#find(metric, label, value));
  }

  #rate(metric: AgentMetricId, label?: string, value?: string): number {
    const series = this.#find(metric, label, value);
    return series ? this.#node.rate(series) : NaN;
  }

  #nvlink(): number {
    const rates = (['gpu_nvlink_tx_bytes_total', 'gpu_nvlink_rx_bytes_total'] as const).flatMap((metric) =>
      (this.#series.get(metric) ?? []).map((one) => this.#node.rate(one)),
    );
    if (rates.length > 0) return sum(rates);
    const levels = (['gpu_nvlink_tx_bytes_per_second', 'gpu_nvlink_rx_bytes_per_second'] as const).flatMap((metric) =>
      (this.#series.get(metric) ?? []).map((one) => this.#node.level(one)),
    );
    return sum(levels);
  }
}

export function orElse(value: number, other: number): number {
  return Number.isNaN(value) ? other : value;
}

/** Of what is known; NaN where nothing is. */
export function sum(values: readonly number[]): number {
  let total = NaN;
  for (const value of values) if (!Number.isNaN(value)) total = Number.isNaN(total) ? value : total + value;
  return total;
}
