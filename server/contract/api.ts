// The JSON of /api/v1. Missing values are null and carry their reason beside them; every answer says what it leaves out.
import type { AbsenceReason, Inventory } from '#agent/contract';
import type { Attribution } from './attribution.ts';
import type { Cause, Confidence } from './causes.ts';
import type { LeafClass, Owner } from './verdicts.ts';

export const API_SCHEMA_VERSION = 1;

/** Every error of the HTTP interface has this one shape. */
export interface ApiError {
  readonly error: { readonly code: string; readonly message: string; readonly hint?: string };
}

/** How much of the fleet an answer speaks of. */
export interface Coverage {
  readonly nodes: number;
  readonly nodes_up: number;
  readonly gpus: number;
  readonly gpus_reporting: number;
}

/** From capacity to productive GPUs: each stage counts GPUs and is part of the one before. */
export interface Funnel {
  readonly capacity: number;
  readonly reporting: number;
  readonly healthy: number;
  readonly allocated: number;
  readonly active: number;
  readonly productive: number;
}

/** Totals over the disks of all nodes that report; null where no node says. */
export interface StorageTotals {
  readonly disks: number;
  readonly capacity_bytes: number | null;
  readonly read_bytes_per_second: number | null;
  readonly written_bytes_per_second: number | null;
  readonly filesystems: number;
  readonly filesystem_size_bytes: number | null;
  readonly filesystem_avail_bytes: number | null;
}

export interface FabricTotals {
  readonly ports: number;
  readonly ports_active: number;
  readonly received_bytes_per_second: number | null;
  readonly transmitted_bytes_per_second: number | null;
}

/** Whether what arrives is kept. While it is not, the live view goes on and agents keep what they have. */
export type StoreSummary =
  | { readonly ok: true }
  | {
      readonly ok: false;
      readonly since_ms: number;
      readonly reason: 'disk_full' | 'failing' | 'stuck';
      readonly message: string;
    };

export interface FleetSummary {
  readonly schema_version: number;
  readonly cluster: string;
  readonly time_ms: number;
  readonly coverage: Coverage;
  /** Of how many GPUs it is known who has them. */
  readonly attribution: Attribution;
  readonly funnel: Funnel;
  /** GPUs in each class now; classes without a GPU are left out. */
  readonly classes: Partial<Record<LeafClass, number>>;
  /** GPU-seconds booked per class since the server started; classes never booked are left out. */
  readonly booked_seconds: Partial<Record<LeafClass, number>>;
  readonly storage: StorageTotals;
  readonly infiniband: FabricTotals;
  readonly store: StoreSummary;
}

export const outageKinds = ['driver_hangs', 'gpu_lost', 'not_read'] as const;
/** A driver that does not answer, a GPU that the driver lost, readings that are missing for another reason. */
export type OutageKind = (typeof outageKinds)[number];

/** Why a GPU has no readings although its node delivers. */
export interface Outage {
  readonly kind: OutageKind;
  readonly reason: AbsenceReason;
  readonly since_ms: number;
  /** Without the time. */
  readonly text: string;
}

/** How GPUs are read on a node; empty where the agent does not say. */
export interface GpuReaderSummary {
  /** nvml, nvidia_smi, dcgm_exporter. */
  readonly backend: string;
  /** gpm, dcgm_exporter, dcgmi, none. */
  readonly profiling: string;
  /** GPUs the driver answers for, and those on the PCI bus. */
  readonly gpus_seen: number | null;
  readonly gpus_expected: number | null;
  /** Of the driver as a whole. */
  readonly outage: Outage | null;
}

export interface GpuSummary {
  readonly node: string;
  readonly gpu: string;
  readonly uuid: string;
  readonly pci_bus_id: string;
  readonly name: string;
  readonly class: LeafClass;
  readonly owner: Owner;
  /** When the class of now began. */
  readonly since_ms: number;
  /** What the judge names; null before it has spoken. */
  readonly cause: Cause | null;
  readonly confidence: Confidence | null;
  /** Work by what it could do, corrected for spinning. */
  readonly effective_ratio: number | null;
  /** Who was given the GPU; null for nobody, or nobody knows. */
  readonly job_id: string | null;
  readonly user: string | null;
  readonly utilization_ratio: number | null;
  readonly memory_used_bytes: number | null;
  readonly memory_total_bytes: number | null;
  readonly power_watts: number | null;
  readonly temperature_celsius: number | null;
  readonly processes: number | null;
  /** null while it answers, and while its node is down. */
  readonly outage: Outage | null;
}

/** A device or quantity that is missing on a node. `device` and `name` are empty for a whole area. */
export interface Unavailable {
  readonly area: string;
  readonly device: string;
  readonly name: string;
  readonly reason: AbsenceReason;
}

export interface NodeSummary {
  readonly name: string;
  readonly up: boolean;
  readonly last_sample_ms: number | null;
  readonly clock_offset_seconds: number | null;
  readonly agent_version: string;
  readonly product: string;
  readonly gpus: number;
  readonly disks: number;
  readonly infiniband_ports: number;
  /** GPUs of the node in each class now. */
  readonly classes: Partial<Record<LeafClass, number>>;
  readonly cpu_busy_ratio: number | null;
  readonly disk_read_bytes_per_second: number | null;
  readonly disk_written_bytes_per_second: number | null;
  readonly infiniband_bytes_per_second: number | null;
  /** Areas that are wholly missing, with the reason. */
  readonly missing: readonly Unavailable[];
  /** null where no GPU is read, and while the node is down. */
  readonly gpu_reader: GpuReaderSummary | null;
}

export interface Sample {
  readonly metric: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface NodeDetail extends NodeSummary {
  readonly schema_version: number;
  readonly inventory: Inventory;
  readonly gpu_list: readonly GpuSummary[];
  readonly samples: readonly Sample[];
  readonly unavailable: readonly Unavailable[];
}

/** The gravest first. */
export const alertKinds = [
  'driver_hangs',
  'gpu_lost',
  'gpu_xid',
  'incident',
  'fabric',
  'link_degraded',
  'gpu_held_idle',
  'gpu_underused',
  'node_down',
  'name_conflict',
  'clock_skew',
] as const;
export type AlertKind = (typeof alertKinds)[number];

export interface Alert {
  readonly id: string;
  readonly kind: AlertKind;
  readonly severity: 'warning' | 'critical';
  /** pending = seen, but not yet for long enough. */
  readonly state: 'pending' | 'firing';
  /** Empty for what is of no node, as links between switches. */
  readonly node: string;
  readonly gpu: string | null;
  readonly uuid: string | null;
  readonly since_ms: number;
  readonly text: string;
}

export interface NodesAnswer {
  readonly schema_version: number;
  readonly coverage: Coverage;
  readonly nodes: readonly NodeSummary[];
}
export interface GpusAnswer {
  readonly schema_version: number;
  readonly coverage: Coverage;
  readonly gpus: readonly GpuSummary[];
}
export interface AlertsAnswer {
  readonly schema_version: number;
  readonly coverage: Coverage;
  readonly alerts: readonly Alert[];
}
