// The page of a dcgm-exporter 3 on a V100 node: the exporter's default list, the profiling fields and the violations, by
// their names before DCGM 4.6. https://github.com/NVIDIA/dcgm-exporter, etc/default-counters.csv
import { DRIVER_VERSION } from '../kernel-log.ts';
import type { NodeHardware } from '../hardware.ts';
import type { NodeState } from '../workload.ts';
import type { Cell } from './nvidia-smi-columns.ts';
import { cellsOf } from './nvidia-smi.ts';
import { smiBusId } from './smi-text.ts';

interface Field {
  readonly name: string;
  readonly kind: 'gauge' | 'counter';
  readonly help: string;
  readonly read: (cell: Cell) => string | number | { toString(): string };
}

const gauge = (name: string, help: string, read: Field['read']): Field => ({ name, kind: 'gauge', help, read });
const counter = (name: string, help: string, read: Field['read']): Field => ({ name, kind: 'counter', help, read });
const zero = (): number => 0;
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const share = (value: number): string => value.toFixed(6);

const fields: readonly Field[] = [
  gauge('DEV_SM_CLOCK', 'SM clock in MHz.', ({ gpu }) => gpu.clockMHz),
  gauge('DEV_MEM_CLOCK', 'Memory clock in MHz.', ({ model }) => model.memoryClockMHz),
  gauge('DEV_MEMORY_TEMP', 'Memory temperature in C.', ({ gpu }) => Math.round(gpu.memoryTemperatureC)),
  gauge('DEV_GPU_TEMP', 'GPU temperature in C.', ({ gpu }) => Math.round(gpu.temperatureC)),
  gauge('DEV_POWER_USAGE', 'Power draw in W.', ({ gpu }) => gpu.powerW.toFixed(6)),
  counter('DEV_TOTAL_ENERGY_CONSUMPTION', 'Energy in mJ.', ({ counters }) => counters.energyMillijoules),
  counter('DEV_PCIE_REPLAY_COUNTER', 'PCIe retries.', ({ counters }) => counters.pcieReplays),
  gauge('DEV_GPU_UTIL', 'GPU utilization in %.', ({ gpu }) => Math.round(gpu.busy * 100)),
  gauge('DEV_MEM_COPY_UTIL', 'Memory utilization in %.', ({ gpu }) => Math.round(gpu.memoryActive * 100)),
  gauge('DEV_ENC_UTIL', 'Encoder utilization in %.', zero),
  gauge('DEV_DEC_UTIL', 'Decoder utilization in %.', zero),
  gauge('DEV_XID_ERRORS', 'The last Xid.', ({ counters }) => counters.lastXid),
  counter('DEV_POWER_VIOLATION', 'Throttled for power, in ns.', ({ counters }) => counters.throttledNs.swPowerCap),
  counter('DEV_THERMAL_VIOLATION', 'Throttled for heat, in ns.', ({ counters }) => counters.throttledNs.swThermal),
  gauge('DEV_FB_FREE', 'Framebuffer free in MiB.', ({ gpu, model }) => model.memoryMiB - gpu.memoryUsedMiB),
  gauge('DEV_FB_USED', 'Framebuffer used in MiB.', ({ gpu }) => gpu.memoryUsedMiB),
  // Declared a counter by the exporter; what it carries is a rate in MB/s.
  counter('DEV_NVLINK_BANDWIDTH_TOTAL', 'NVLink bandwidth of all lanes.', ({ gpu }) =>
    Math.round((sum(gpu.nvlink.tx) + sum(gpu.nvlink.rx)) / 1e6),
  ),
  gauge('DEV_VGPU_LICENSE_STATUS', 'vGPU license status.', zero),
  gauge('PROF_GR_ENGINE_ACTIVE', 'Engine active.', ({ gpu }) => share(gpu.profiling.graphicsEngineActive)),
  gauge('PROF_SM_ACTIVE', 'SMs active.', ({ gpu }) => share(gpu.profiling.smActive)),
  gauge('PROF_SM_OCCUPANCY', 'SM occupancy.', ({ gpu }) => share(gpu.profiling.smOccupancy)),
  gauge('PROF_PIPE_TENSOR_ACTIVE', 'Tensor pipe active.', ({ gpu }) => share(gpu.profiling.tensorActive)),
  gauge('PROF_DRAM_ACTIVE', 'Memory interface active.', ({ gpu }) => share(gpu.profiling.dramActive)),
  gauge('PROF_PIPE_FP64_ACTIVE', 'FP64 pipe active.', ({ gpu }) => share(gpu.profiling.fp64Active)),
  gauge('PROF_PIPE_FP32_ACTIVE', 'FP32 pipe active.', ({ gpu }) => share(gpu.profiling.fp32Active)),
  gauge('PROF_PIPE_FP16_ACTIVE', 'FP16 pipe active.', ({ gpu }) => share(gpu.profiling.fp16Active)),
  gauge('PROF_PCIE_TX_BYTES', 'PCIe to the host in B/s.', ({ gpu }) => Math.round(gpu.pcie.txBytesPerS)),
  gauge('PROF_PCIE_RX_BYTES', 'PCIe from the host in B/s.', ({ gpu }) => Math.round(gpu.pcie.rxBytesPerS)),
  gauge('PROF_NVLINK_TX_BYTES', 'NVLink sent in B/s.', ({ gpu }) => Math.round(sum(gpu.nvlink.tx))),
  gauge('PROF_NVLINK_RX_BYTES', 'NVLink received in B/s.', ({ gpu }) => Math.round(sum(gpu.nvlink.rx))),
];

/** The pages of one node: their labels are written once. */
export class DcgmPage {
  readonly #labels: readonly string[];
  #state: NodeState | undefined;
  #text = '';

  constructor(hardware: NodeHardware) {
    this.#labels = hardware.gpus.map((gpu) => labelsOf(gpu.index, hardware));
  }

  /** A GPU that does not answer has no lines. */
  render(state: NodeState): string {
    if (state === this.#state) return this.#text;
    const cells = cellsOf(state, new Date(0)).filter(({ gpu }) => !gpu.lost);
    const parts: string[] = [];
    for (const { name, kind, help, read } of fields) {
      parts.push(`# HELP DCGM_FI_${name} ${help}\n# TYPE DCGM_FI_${name} ${kind}\n`);
      for (const cell of cells) {
        parts.push('DCGM_FI_', name, this.#labels[cell.hardware.index] ?? '', String(read(cell)), '\n');
      }
    }
    this.#state = state;
    this.#text = parts.join('');
    return this.#text;
  }
}

function labelsOf(index: number, { name: host, gpus, platform }: NodeHardware): string {
  const gpu = gpus[index];
  const labels = {
    gpu: index,
    UUID: gpu?.uuid ?? '',
    pci_bus_id: smiBusId(gpu?.bus ?? 0),
    device: `nvidia${index}`,
    modelName: platform.gpu.name,
    Hostname: host,
    DCGM_FI_DRIVER_VERSION: DRIVER_VERSION,
  };
  const pairs = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  return `{${pairs.join(',')}} `;
}
