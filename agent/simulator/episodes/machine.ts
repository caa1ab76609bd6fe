// The machines of episodes: what their GPUs, links and hosts can do.
import type { GpuFacts, NodeFacts } from '#agent/contract';

export interface GpuKind {
  readonly model: string;
  readonly powerW: number;
  readonly idleW: number;
  readonly contextW: number;
  readonly clockMHz: number;
  readonly memoryGiB: number;
  readonly pcieBps: number;
  readonly pcieGeneration: number;
  readonly nvlinkBps: number;
  readonly slowdownC: number;
  /** Degrees per watt above the inlet. */
  readonly resistance: number;
}

export const gpuKinds = {
  V100: {
    ...{ model: 'Tesla V100-SXM3-32GB', powerW: 300, idleW: 38, contextW: 52, clockMHz: 1530, memoryGiB: 32 },
    ...{ pcieBps: 12e9, pcieGeneration: 3, nvlinkBps: 150e9, slowdownC: 87, resistance: 0.12 },
  },
  A100: {
    ...{ model: 'NVIDIA A100-SXM4-80GB', powerW: 400, idleW: 52, contextW: 72, clockMHz: 1410, memoryGiB: 80 },
    ...{ pcieBps: 24e9, pcieGeneration: 4, nvlinkBps: 300e9, slowdownC: 92, resistance: 0.1 },
  },
  H100: {
    ...{ model: 'NVIDIA H100 80GB HBM3', powerW: 700, idleW: 72, contextW: 115, clockMHz: 1980, memoryGiB: 80 },
    ...{ pcieBps: 50e9, pcieGeneration: 5, nvlinkBps: 450e9, slowdownC: 90, resistance: 0.072 },
  },
} as const satisfies Record<string, GpuKind>;

export type GpuModel = keyof typeof gpuKinds;

export const EDR_BPS = 12.12e9;
export const GIB = 1024 ** 3;

export interface Machine {
  readonly gpu: GpuKind;
  readonly nodes: number;
  readonly gpusPerNode: number;
  readonly cores: number;
  readonly rails: number;
}

export function factsOf({ gpu, nodes, gpusPerNode, cores }: Machine, limitW: number): readonly NodeFacts[] {
  return Array.from({ length: nodes }, (_, node) => ({
    node: nodeName(node),
    cpus: cores,
    gpus: Array.from({ length: gpusPerNode }, (_unused, index): GpuFacts => gpuFacts(gpu, node, index, limitW)),
  }));
}

function gpuFacts(gpu: GpuKind, node: number, index: number, limitW: number): GpuFacts {
  return {
    gpu: String(index),
    uuid: uuidAt(node, index),
    model: gpu.model,
    memoryBytes: gpu.memoryGiB * GIB,
    powerLimitW: limitW,
    powerDefaultW: gpu.powerW,
    clockMaxHz: gpu.clockMHz * 1e6,
    pcieBps: gpu.pcieBps,
    pcieGenerationMax: gpu.pcieGeneration,
    pcieWidthMax: 16,
    nvlinkBps: gpu.nvlinkBps,
    contextW: NaN,
    slowdownC: gpu.slowdownC,
  };
}

export function nodeName(node: number): string {
  return `node${String(node + 1).padStart(2, '0')}`;
}

export function uuidAt(node: number, gpu: number): string {
  return `GPU-${node}-${gpu}`;
}
