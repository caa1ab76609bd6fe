// Everything the doctor judges by, as plain data: collected in collect.ts, judged in judge.ts.
import type { AbsenceReason, AgentMetricId } from '#agent/contract';

export interface NodeFacts {
  readonly system: SystemFacts;
  readonly gpu: GpuNodeFacts;
  readonly kernelLog: KernelLogFacts;
  readonly infiniband: InfinibandFacts;
  readonly nvme: NvmeFacts;
  readonly mounts: MountFacts;
  readonly pressure: PressureFacts;
  readonly processes: ProcessFacts;
  /** Areas whose reading failed or fell silent, and why. */
  readonly failed: readonly { readonly area: string; readonly reason: AbsenceReason }[];
  /** Metrics that have a value now. */
  readonly metrics: ReadonlySet<AgentMetricId>;
}

export type SystemFamily = 'debian' | 'ubuntu' | 'rhel' | 'other';

export interface SystemFacts {
  /** False below `--root`. */
  readonly isHost: boolean;
  readonly family: SystemFamily;
  /** Who reads here now. */
  readonly user: string;
  readonly isRoot: boolean;
  /** Who the agent runs as: `whyidle` where that account exists. */
  readonly account: string;
  readonly usesMusl: boolean;
}

export interface GpuNodeFacts {
  /** On the PCI bus, without those that are given to virtual machines. */
  readonly onBus: number;
  readonly switches: number;
  readonly driver: DriverFacts;
  readonly library: LibraryFacts;
  readonly tools: ToolFacts;
  readonly reader: ReaderFacts;
  /** Names as the driver gives them, each once. */
  readonly names: readonly string[];
  readonly architectures: readonly string[];
  readonly answering: number;
  /** Indexes of GPUs that do not answer, whose persistence mode is off, whose profiling is suspect, that run as MIG. */
  readonly lost: readonly string[];
  readonly withoutPersistence: readonly string[];
  readonly suspect: readonly string[];
  readonly mig: readonly string[];
}

export interface DriverFacts {
  /** Version of the loaded module; undefined while it is not loaded. */
  readonly version: string | undefined;
  /** A module for this kernel is installed. */
  readonly isInstalled: boolean;
  readonly nouveau: boolean;
  /** /dev/nvidiactl. */
  readonly device: 'usable' | 'forbidden' | 'not_present';
  /** Group of /dev/nvidiactl where its mode leaves others out; empty otherwise. */
  readonly deviceGroup: string;
}

export interface LibraryFacts {
  /** libnvidia-ml.so.1 that is to be loaded; undefined where there is none. */
  readonly path: string | undefined;
  /** False where another way to read was named, so that it is left alone. */
  readonly isAsked: boolean;
  /** Of its file name; empty where that does not say. */
  readonly version: string;
  /** What was said when it could not be used. */
  readonly problem: string;
}

export interface ToolFacts {
  readonly nvidiaSmi: boolean;
  readonly dcgmi: boolean;
  readonly dcgmExporter: string | undefined;
  /** Processes seen by name. */
  readonly hostEngineRuns: boolean;
  readonly persistencedInstalled: boolean;
  readonly fabricManagerInstalled: boolean;
}

export interface ReaderFacts {
  /** Empty where nothing delivers. */
  readonly backend: string;
  readonly profiling: string;
  /** undefined where no reader is running. */
  readonly up: boolean | undefined;
  readonly isStuck: boolean;
  readonly seen: number | undefined;
  readonly expected: number | undefined;
  /** Why the area as a whole is missing. */
  readonly missing: AbsenceReason | undefined;
  /** What nvidia-smi said when it gave nothing. */
  readonly problem: string;
  /** undefined where nobody can see. */
  readonly fabricManager: boolean | undefined;
}

export type Readable = 'readable' | 'forbidden' | 'not_present';

export interface KernelLogFacts {
  readonly kmsg: Readable;
  readonly journal: Readable;
}

export interface InfinibandFacts {
  /** Controllers on the PCI bus that speak InfiniBand alone. */
  readonly onBus: number;
  readonly ports: readonly { readonly name: string; readonly state: number | undefined; readonly isRoce: boolean }[];
}

export interface NvmeFacts {
  readonly onBus: number;
  readonly controllers: number;
  readonly down: readonly string[];
}

export interface MountFacts {
  readonly count: number;
  readonly silent: readonly { readonly mountpoint: string; readonly device: string }[];
}

export interface PressureFacts {
  readonly isThere: boolean;
  /** What the kernel's configuration says; undefined where it is not to be had. */
  readonly config: 'off_by_default' | 'not_built' | 'built' | undefined;
}

export interface ProcessFacts {
  /** The process list of everybody can be read. */
  readonly seesOthers: boolean;
  /** The option of the mount; empty where it has none. */
  readonly hidepid: string;
}
