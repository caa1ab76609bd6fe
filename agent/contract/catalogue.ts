// The closed catalogue: every metric whyidle knows. Names, labels and values: docs/metrics.md is generated from it.
import { derivedRows } from './metrics/derived.ts';
import { diskRows, filesystemRows, nvmeRows } from './metrics/disk.ts';
import { fabricRows } from './metrics/fabric.ts';
import { gpuHealthRows } from './metrics/gpu-health.ts';
import { gpuLinkRows } from './metrics/gpu-links.ts';
import { gpuRows } from './metrics/gpu.ts';
import { cpuRows, hostRows, memoryRows, networkRows, pressureRows } from './metrics/host.ts';
import { infinibandRows } from './metrics/infiniband.ts';
import { edacRows, hwmonRows, pcieRows } from './metrics/pcie.ts';
import { jobRows, processRows } from './metrics/process.ts';
import { nvmeHealthRows } from './metrics/nvme-health.ts';
import type { MetricRow } from './metrics/row.ts';
import { selfRows } from './metrics/self.ts';
import { serverRows, verdictRows } from './metrics/server.ts';
import { gdsRows, gpfsRows, lustreRows, nfsRows } from './metrics/storage.ts';
import { switchRows } from './metrics/switch.ts';

/** Rows that agents fill. Only these travel over the wire. */
export const agentCatalogue = {
  ...gpuRows,
  ...gpuLinkRows,
  ...gpuHealthRows,
  ...infinibandRows,
  ...diskRows,
  ...nvmeRows,
  ...nvmeHealthRows,
  ...filesystemRows,
  ...nfsRows,
  ...lustreRows,
  ...gpfsRows,
  ...gdsRows,
  ...cpuRows,
  ...memoryRows,
  ...pressureRows,
  ...networkRows,
  ...hostRows,
  ...pcieRows,
  ...edacRows,
  ...hwmonRows,
  ...processRows,
  ...jobRows,
  ...selfRows,
} as const;

export const catalogue = {
  ...agentCatalogue,
  ...derivedRows,
  ...verdictRows,
  ...fabricRows,
  ...switchRows,
  ...serverRows,
} as const;

export type AgentMetricId = keyof typeof agentCatalogue;
export type MetricId = keyof typeof catalogue;
/** Metrics of the server itself. */
export type ServerMetricId = keyof typeof serverRows;
/** What the server derives for devices of nodes. */
export type DerivedMetricId = keyof typeof derivedRows;
/** Metrics of InfiniBand subnets. */
export type FabricMetricId = keyof typeof fabricRows;
/** Metrics of managed switches. */
export type SwitchMetricId = keyof typeof switchRows;

/** The label names of one metric, as a record: `LabelsOf<'disk_read_bytes_total'>` is `{device: string}`. */
export type LabelsOf<M extends MetricId> = Readonly<Record<(typeof catalogue)[M]['labels'][number], string>>;

/** The unit of one metric, as a literal. */
export type UnitOf<M extends AgentMetricId> = (typeof agentCatalogue)[M]['unit'];

export type CounterId = {
  [M in AgentMetricId]: (typeof agentCatalogue)[M]['kind'] extends 'counter' ? M : never;
}[AgentMetricId];
export type GaugeId = {
  [M in AgentMetricId]: (typeof agentCatalogue)[M]['kind'] extends 'gauge' ? M : never;
}[AgentMetricId];
export type InfoId = {
  [M in AgentMetricId]: (typeof agentCatalogue)[M]['kind'] extends 'info' ? M : never;
}[AgentMetricId];

const agentIds = new Set<string>(Object.keys(agentCatalogue));

export function isAgentMetricId(id: string): id is AgentMetricId {
  return agentIds.has(id);
}

export const agentMetricIds: readonly AgentMetricId[] = Object.keys(agentCatalogue).filter(isAgentMetricId);

const isServerMetricId = (id: string): id is ServerMetricId => Object.hasOwn(serverRows, id);
export const serverMetricIds: readonly ServerMetricId[] = Object.keys(serverRows).filter(isServerMetricId);

export function rowOf(id: MetricId): MetricRow {
  return catalogue[id];
}

const isDerivedMetricId = (id: string): id is DerivedMetricId => Object.hasOwn(derivedRows, id);
export const derivedMetricIds: readonly DerivedMetricId[] = Object.keys(derivedRows).filter(isDerivedMetricId);

const isFabricMetricId = (id: string): id is FabricMetricId => Object.hasOwn(fabricRows, id);
export const fabricMetricIds: readonly FabricMetricId[] = Object.keys(fabricRows).filter(isFabricMetricId);

const isSwitchMetricId = (id: string): id is SwitchMetricId => Object.hasOwn(switchRows, id);
export const switchMetricIds: readonly SwitchMetricId[] = Object.keys(switchRows).filter(isSwitchMetricId);

/** The exported name. */
export function metricName(id: MetricId): `whyidle_${MetricId}` {
  return `whyidle_${id}`;
}

/** Whether the series carry the label `node`; those of the server itself, of the whole fleet, of subnets and of switches have none. */
export function hasNodeLabel(id: MetricId): boolean {
  return ![serverRows, fabricRows, switchRows].some((rows) => Object.hasOwn(rows, id));
}
