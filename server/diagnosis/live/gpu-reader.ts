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
  /** Looked for once: a reader lives as long as the series of its node. */
  readonly #own: ReturnType<GpuReader['findSeries']>;

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
    this.#own = this.findSeries();
  }

  /** undefined where it could not be seen what the GPU does. */
  read(): GpuSignals | undefined {
    const { outage } = this.#gpu;
    if (outage) return isFault(outage.kind) ? gpuSignals({ fault: 1 }) : undefined;
    const node = this.#node;
    const own = this.#own;
    const rate = (series: PublishedSeries | undefined): number => (series ? node.rate(series) : NaN);
    const energy = rate(own.energy);
    const engine = node.level(own.engine);
    return {
      busy: Number.isNaN(engine) ? node.level(own.utilization) : engine,
      sm: node.level(own.sm),
      dram: node.level(own.dram),
      tensor: node.level(own.tensor),
      powerW: Number.isNaN(energy) ? node.level(own.power) : energy,
      temperatureC: node.level(own.temperature),
      clockHz: node.level(own.clock),
      memoryUsedBytes: node.level(own.memoryUsed),
      processes: this.#gpu.processes,
      pcieRxBps: orElse(rate(own.pcieRx), node.level(own.pcieRxLevel)),
      pcieTxBps: orElse(rate(own.pcieTx), node.level(own.pcieTxLevel)),
      nvlinkBps: this.#nvlink(),
      mainThread: node.level(own.mainThread),
      workers: node.level(own.workers),
      workersRunning: rate(own.running),
      workersWaiting: rate(own.waiting),
      workersBlocked: rate(own.blocked),
      throttlePower: rate(own.throttlePower),
      throttleThermal: rate(own.throttleThermal),
      throttleThermalHw: rate(own.throttleThermalHw),
      throttleBrake: rate(own.throttleBrake),
      pcieGeneration: node.level(own.pcieGeneration),
      pcieWidth: node.level(own.pcieWidth),
      fault: 0,
    };
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

  findSeries() {
    const find = (metric: AgentMetricId, label?: string, value?: string) => this.#find(metric, label, value);
    const state = (name: string) => find('gpu_worker_seconds_total', 'state', name);
    const throttle = (name: string) => find('gpu_throttle_seconds_total', 'reason', name);
    const all = (...metrics: readonly AgentMetricId[]) => metrics.flatMap((metric) => this.#series.get(metric) ?? []);
    return {
      engine: find('gpu_graphics_engine_active_ratio'),
      utilization: find('gpu_utilization_ratio'),
      sm: find('gpu_sm_active_ratio'),
      dram: find('gpu_dram_active_ratio'),
      tensor: find('gpu_tensor_active_ratio'),
      energy: find('gpu_energy_joules_total'),
      power: find('gpu_power_watts'),
      temperature: find('gpu_temperature_celsius'),
      clock: find('gpu_clock_hertz', 'domain', 'sm'),
      memoryUsed: find('gpu_memory_used_bytes'),
      pcieRx: find('gpu_pcie_rx_bytes_total'),
      pcieTx: find('gpu_pcie_tx_bytes_total'),
      pcieRxLevel: find('gpu_pcie_rx_bytes_per_second'),
      pcieTxLevel: find('gpu_pcie_tx_bytes_per_second'),
      mainThread: find('gpu_owner_main_thread_ratio'),
      workers: find('gpu_workers'),
      running: state('running'),
      waiting: state('waiting'),
      blocked: state('blocked'),
      throttlePower: throttle('sw_power_cap'),
      throttleThermal: throttle('sw_thermal_slowdown'),
      throttleThermalHw: throttle('hw_thermal_slowdown'),
      throttleBrake: throttle('hw_power_brake_slowdown'),
      pcieGeneration: find('gpu_pcie_link_generation'),
      pcieWidth: find('gpu_pcie_link_width'),
      nvlinkCounts: all('gpu_nvlink_tx_bytes_total', 'gpu_nvlink_rx_bytes_total'),
      nvlinkLevels: all('gpu_nvlink_tx_bytes_per_second', 'gpu_nvlink_rx_bytes_per_second'),
    };
  }

  #level(metric: AgentMetricId, label?: string, value?: string): number {
    return this.#node.level(this.#find(metric, label, value));
  }

  #nvlink(): number {
    const { nvlinkCounts, nvlinkLevels } = this.#own;
    let total = NaN;
    for (const series of nvlinkCounts) total = plus(total, this.#node.rate(series));
    if (nvlinkCounts.length > 0) return total;
    for (const series of nvlinkLevels) total = plus(total, this.#node.level(series));
    return total;
  }
}

function plus(total: number, value: number): number {
  if (Number.isNaN(value)) return total;
  return Number.isNaN(total) ? value : total + value;
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
