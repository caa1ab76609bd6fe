// What a source of GPU readings says of one GPU at one moment: who it is, whether it answers, and its values by column.
// Every backend, parser and enricher speaks this; agent/collectors/gpu/device.ts turns it into series.
import type {
  Absence,
  AbsenceReason,
  AgentMetricId,
  Amount,
  CounterId,
  GaugeId,
  LabelsOf,
  Steps,
  UnitOf,
} from '#agent/contract';

/** The labels of every series of one GPU. */
export interface GpuIdentity {
  /** NVML's index: it shifts when a GPU is lost. Empty where the source does not tell. */
  readonly gpu: string;
  /** Empty where the source does not tell. */
  readonly uuid: string;
  /** As `canonicalPciAddress` writes it; empty where the source does not tell. */
  readonly pci_bus_id: string;
}

/** What a source knows of the GPU besides its place; what it does not know is empty. */
export interface GpuFacts {
  readonly name: string;
  readonly driver: string;
  readonly vbios: string;
  readonly serial: string;
  readonly cuda: string;
  readonly arch: string;
}

export const noFacts: GpuFacts = { name: '', driver: '', vbios: '', serial: '', cuda: '', arch: '' };

type OwnLabels = keyof GpuIdentity;
/** Metrics whose first labels are those of the GPU. */
type OfGpu<M extends AgentMetricId> = M extends AgentMetricId
  ? OwnLabels extends keyof LabelsOf<M>
    ? M
    : never
  : never;
export type GpuGaugeId = OfGpu<GaugeId>;
export type GpuCounterId = OfGpu<CounterId>;
export type GpuValueId = GpuGaugeId | GpuCounterId;

/** The labels of a metric besides the GPU's own. Those of a MIG instance may be left out: it is the whole GPU then. */
export type MoreLabels<M extends GpuValueId> = Omit<LabelsOf<M>, OwnLabels | 'mig_gi' | 'mig_ci'> &
  Partial<Readonly<Record<Extract<keyof LabelsOf<M>, 'mig_gi' | 'mig_ci'>, string>>>;

/** One series of a GPU, whichever GPU it is. Two columns of the same metric and labels are the same object. */
export interface GpuColumn<M extends GpuValueId = GpuValueId> {
  readonly id: M;
  readonly labels: Readonly<Record<string, string>>;
}

/** Counters in whole steps of their row, levels in base units. */
export type ValueOf<M extends GpuValueId> = M extends GpuCounterId
  ? Steps
  : M extends GpuGaugeId
    ? Amount<UnitOf<M>>
    : never;

export interface GpuValue {
  readonly column: GpuColumn;
  readonly value: number | bigint | Absence;
}

export interface MigInstance {
  readonly mig_gi: string;
  readonly mig_ci: string;
  /** `1g.5gb`; empty where the source does not tell. */
  readonly profile: string;
}

export interface GpuProcessUse {
  readonly pid: number;
  readonly name: string;
  readonly kind: 'compute' | 'graphics' | 'mps';
  readonly memoryBytes: number | Absence;
  /** Share of the SMs' time, 0–1. */
  readonly smUtilization?: number;
}

export interface GpuSheet {
  readonly identity: GpuIdentity;
  readonly facts: GpuFacts;
  /** Why the GPU as a whole gives no readings; undefined while it answers. */
  readonly loss: AbsenceReason | undefined;
  readonly values: readonly GpuValue[];
  /** Undefined where the source does not tell of instances. */
  readonly instances?: readonly MigInstance[];
  /** Undefined where the source does not tell of processes. */
  readonly processes?: readonly GpuProcessUse[];
}

const columns = new Map<string, GpuColumn>();

export function columnOf<M extends GpuValueId>(
  id: M,
  ...[labels]: object extends MoreLabels<M> ? [MoreLabels<M>?] : [MoreLabels<M>]
): GpuColumn<M> {
  const known: Readonly<Record<string, string>> = { ...labels };
  const key = JSON.stringify([id, ...Object.entries(known).toSorted(([a], [b]) => (a < b ? -1 : 1))]);
  const column = columns.get(key) ?? { id, labels: known };
  columns.set(key, column);
  return column as GpuColumn<M>; // the key begins with the id
}

/** A value in its column: the compiler checks its unit. */
export function valueIn<M extends GpuValueId>(column: GpuColumn<M>, value: ValueOf<M> | Absence): GpuValue {
  return { column, value };
}
