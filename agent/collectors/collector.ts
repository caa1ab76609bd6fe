// What a collector is: one area of hardware, its reader, and what the reader is given. See docs/adding-a-collector.md.
import type { Area } from '#agent/contract';
import type { CommandRunner } from '../command.ts';
import type { Log } from '../log.ts';
import type { Snapshot } from '../snapshot.ts';
import type { Tree } from '../sources/tree.ts';
import type { InfinibandSettings } from './infiniband/settings.ts';

/** Fast every tick, medium every 5 ticks, slow every 30; the first tick reads all three. */
export type ReadLane = 'fast' | 'medium' | 'slow';

export interface CollectorContext {
  readonly tree: Tree;
  readonly snapshot: Snapshot;
  /** Starts programs; absent below `--root`, where nothing of the host may be asked. */
  readonly commands: CommandRunner | undefined;
  /** How GPUs may be read here. */
  readonly gpuSources: GpuSources;
  /** Which adapters are read and what their ports are for; undefined: all, by their looks. */
  readonly infiniband?: InfinibandSettings | undefined;
  readonly monotonicMs: () => number;
  /** Calls once after the time; the returned function calls it off. For what must be looked at between two ticks. */
  readonly after: (delayMs: number, call: () => void) => () => void;
  /** Which processes hold which GPU, as last told by the source that reads GPUs; empty while nobody can tell. */
  readonly gpuProcesses: () => readonly GpuProcesses[];
  /** Where the reader of GPUs leaves them. */
  readonly tellGpuProcesses?: ((gpus: readonly GpuProcesses[]) => void) | undefined;
  readonly intervalMs: number;
  readonly log: Log;
}

/** The processes with a context on one GPU; none of them is an idle GPU. */
export interface GpuProcesses {
  readonly gpu: string;
  readonly uuid: string;
  readonly pci_bus_id: string;
  readonly pids: readonly number[];
}

/** Each undefined where there is none to be used. */
export interface GpuSources {
  /** The library `libnvidia-ml.so.1` to load, by path or name. */
  readonly nvml: string | undefined;
  /** The program. */
  readonly nvidiaSmi: string | undefined;
  /** Address of the page of a dcgm-exporter. */
  readonly dcgmExporter: string | undefined;
  /** The program. */
  readonly dcgmi: string | undefined;
  /** Whether each process of a GPU has series of its own. */
  readonly processSeries: boolean;
}

export const noGpuSources: GpuSources = {
  nvml: undefined,
  nvidiaSmi: undefined,
  dcgmExporter: undefined,
  dcgmi: undefined,
  processSeries: false,
};

export interface Reader {
  /** Finds the devices: at the start, every 60 s, and when `read` returned 'rediscover'. */
  discover(): void | Promise<void>;
  /** Reads one lane into its series. A device that vanished asks for a new discovery. Throwing fails the area, not the agent. */
  read(lane: ReadLane): ReadResult | Promise<ReadResult>;
  /** Lets go of files and children. Never waits for one that cannot be killed. */
  stop(): void | Promise<void>;
}

export type ReadResult = 'ok' | 'rediscover';

export interface Collector {
  readonly area: Area;
  start(context: CollectorContext): Reader;
}
