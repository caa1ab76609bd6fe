// What verdicts are judged on: one second of a GPU and of its node, or the mean of some seconds, in base units.
// NaN stands for a quantity that is not known; it is never zero. The simulator makes them, the server judges them.

export interface GpuSignals {
  /** Share of the time in which a kernel ran: graphics engine active, else NVML's utilisation. */
  readonly busy: number;
  /** Profiling counters, 0–1: multiprocessors, memory, tensor cores. */
  readonly sm: number;
  readonly dram: number;
  readonly tensor: number;
  /** Energy gained by time where the GPU counts it, else a reading. */
  readonly powerW: number;
  readonly temperatureC: number;
  /** Of the multiprocessors. */
  readonly clockHz: number;
  readonly memoryUsedBytes: number;
  readonly processes: number;
  readonly pcieRxBps: number;
  readonly pcieTxBps: number;
  /** Both directions, all links. */
  readonly nvlinkBps: number;
  /** CPU share of the main thread of the process that holds the GPU, 0–1. */
  readonly mainThread: number;
  /** Data-loader workers of the GPU, and how many of them on average ran, waited for a CPU, were blocked by I/O. */
  readonly workers: number;
  readonly workersRunning: number;
  readonly workersWaiting: number;
  readonly workersBlocked: number;
  /** Share of the time under each reason of throttling. */
  readonly throttlePower: number;
  readonly throttleThermal: number;
  readonly throttleThermalHw: number;
  readonly throttleBrake: number;
  /** PCIe link of now. */
  readonly pcieGeneration: number;
  readonly pcieWidth: number;
  /** Share of the time in which a fault was demonstrated: lost, driver hangs, fatal Xid. */
  readonly fault: number;
}

export interface NodeSignals {
  /** Shares of all CPUs, 0–1. */
  readonly hostCpu: number;
  /** Shares of the time in which some process waited. */
  readonly psiCpu: number;
  readonly psiIo: number;
  /** Local drives, all together. */
  readonly localReadBps: number;
  readonly localWriteBps: number;
  /** Mean time of one read, and of the same drives when they are quiet. */
  readonly localLatencyS: number;
  readonly localQuietLatencyS: number;
  /** What the drives can carry. */
  readonly localCeilingBps: number;
  /** NFS, Lustre, GPFS. */
  readonly sharedReadBps: number;
  readonly sharedWriteBps: number;
  readonly sharedLatencyS: number;
  readonly sharedQuietLatencyS: number;
  /** The most they gave so far, or are known to give. */
  readonly sharedCeilingBps: number;
  /** Active InfiniBand ports, one after the other by rail. */
  readonly rails: readonly RailSignals[];
}

export interface RailSignals {
  readonly txBps: number;
  readonly rxBps: number;
  /** After line coding, of now. */
  readonly rateBps: number;
  /** What the port can do at best. */
  readonly bestRateBps: number;
  /** Share of the time with data and no credit. */
  readonly wait: number;
  readonly up: boolean;
}

/** What does not change while a GPU works. */
export interface GpuFacts {
  readonly gpu: string;
  readonly uuid: string;
  readonly model: string;
  readonly memoryBytes: number;
  readonly powerLimitW: number;
  readonly powerDefaultW: number;
  readonly clockMaxHz: number;
  /** Payload a PCIe link of full width carries in one direction. */
  readonly pcieBps: number;
  readonly pcieGenerationMax: number;
  readonly pcieWidthMax: number;
  /** All links, both directions. */
  readonly nvlinkBps: number;
  /** Draw with a loaded context and no work, where it is known beforehand. */
  readonly contextW: number;
  /** At which the driver slows the GPU down. */
  readonly slowdownC: number;
}

export interface NodeFacts {
  readonly node: string;
  readonly cpus: number;
  readonly gpus: readonly GpuFacts[];
}

export interface NodeSecond {
  readonly timeMs: number;
  readonly node: NodeSignals;
  /** In the order of the node's facts; undefined where the second is missing. */
  readonly gpus: readonly (GpuSignals | undefined)[];
}

/** Who was given which GPUs. */
export interface JobFacts {
  readonly id: string;
  readonly user: string;
  readonly account: string;
  readonly partition: string;
  readonly name: string;
  readonly kind: JobKind;
  readonly startMs: number;
  /** undefined while it runs. */
  readonly endMs: number | undefined;
  readonly gpus: readonly JobGpu[];
  /** CPUs given to it, all nodes; NaN where it is not known. */
  readonly cpus: number;
  /** Where its main input lies, if that is known. */
  readonly input: 'local' | 'shared' | undefined;
}

/** A service listens for requests; a notebook waits for a person. */
export type JobKind = 'batch' | 'notebook' | 'service';

export interface JobGpu {
  readonly node: string;
  readonly uuid: string;
}

const unknownGpu: GpuSignals = {
  busy: NaN,
  sm: NaN,
  dram: NaN,
  tensor: NaN,
  powerW: NaN,
  temperatureC: NaN,
  clockHz: NaN,
  memoryUsedBytes: NaN,
  processes: NaN,
  pcieRxBps: NaN,
  pcieTxBps: NaN,
  nvlinkBps: NaN,
  mainThread: NaN,
  workers: NaN,
  workersRunning: NaN,
  workersWaiting: NaN,
  workersBlocked: NaN,
  throttlePower: NaN,
  throttleThermal: NaN,
  throttleThermalHw: NaN,
  throttleBrake: NaN,
  pcieGeneration: NaN,
  pcieWidth: NaN,
  fault: NaN,
};

const isSignal = (name: string): name is keyof GpuSignals => Object.hasOwn(unknownGpu, name);
export const gpuSignalNames: readonly (keyof GpuSignals)[] = Object.keys(unknownGpu).filter(isSignal);

/** What is known of a GPU; all else is not. */
export function gpuSignals(known: Partial<GpuSignals>): GpuSignals {
  return { ...unknownGpu, ...known };
}

const unknownNode: NodeSignals = {
  hostCpu: NaN,
  psiCpu: NaN,
  psiIo: NaN,
  localReadBps: NaN,
  localWriteBps: NaN,
  localLatencyS: NaN,
  localQuietLatencyS: NaN,
  localCeilingBps: NaN,
  sharedReadBps: NaN,
  sharedWriteBps: NaN,
  sharedLatencyS: NaN,
  sharedQuietLatencyS: NaN,
  sharedCeilingBps: NaN,
  rails: [],
};

export function nodeSignals(known: Partial<NodeSignals>): NodeSignals {
  return { ...unknownNode, ...known };
}
