// The JSON of /api/v1/fabric: every InfiniBand subnet that some agent sweeps, its links with both directions, its findings.
import type { FabricKind } from '#agent/contract';
import type { Coverage } from './api.ts';

export const findingKinds = [
  'bad_link',
  'flap',
  'degraded_speed',
  'degraded_width',
  'congestion',
  'port_down',
  'missing_rail',
  'missing_uplink',
  'rail_imbalance',
  'silent_node',
  'naming',
  'counters_reset',
  'saturated',
] as const;
export type FindingKind = (typeof findingKinds)[number];

export const findingSeverities = ['info', 'warning', 'critical'] as const;
export type FindingSeverity = (typeof findingSeverities)[number];

/** host: an adapter. leaf: a switch with hosts. spine: any switch above. other: aggregation, routers, switches out of reach. */
export const deviceTiers = ['host', 'leaf', 'spine', 'other'] as const;
export type DeviceTier = (typeof deviceTiers)[number];

export const linkTiers = ['host', 'uplink', 'loop'] as const;
export type LinkTier = (typeof linkTiers)[number];

export interface FindingPort {
  /** Of the device. */
  readonly guid: string;
  /** 0 for a device as a whole. */
  readonly port: number;
  /** Of an agent. */
  readonly node: string | null;
  /** As the device is called. */
  readonly name: string;
}

export interface FabricFindingView {
  /** Stays the same while the condition lasts. */
  readonly id: string;
  readonly kind: FindingKind;
  readonly severity: FindingSeverity;
  readonly ports: readonly FindingPort[];
  readonly since_ms: number | null;
  readonly text: string;
}

export interface FabricDeviceView {
  readonly guid: string;
  readonly kind: FabricKind;
  /** Without what a managed switch wraps around its name. */
  readonly name: string;
  /** The node whose agent has a port of it. */
  readonly node: string | null;
  /** The node, else the host that the node description names. */
  readonly host: string | null;
  readonly tier: DeviceTier;
  /** Of switches: 1 beside hosts, 2 above. */
  readonly level: number | null;
  readonly lid: number | null;
  readonly ports: number;
}

export interface FabricEndView {
  readonly guid: string;
  readonly port: number;
  readonly state_id: number | null;
  readonly physical_state_id: number | null;
  readonly transmitted_bytes_per_second: number | null;
  /** Of what this end sends. */
  readonly utilization_ratio: number | null;
  /** Bandwidth that this end loses to waiting: at least, and at most where the length of its tick is not known. */
  readonly congestion_ratio: number | null;
  readonly congestion_ratio_upper: number | null;
  /** Error counters that grew in the last hour, and by how much, as infiniband-diags call them. */
  readonly errors_grown: Readonly<Record<string, number>>;
}

export interface FabricLinkView {
  readonly tier: LinkTier;
  /** `4X EDR`. */
  readonly speed: string;
  readonly data_rate_bytes_per_second: number | null;
  /** Both ends; the first is the one nearer to hosts. */
  readonly ends: readonly [FabricEndView, FabricEndView];
  /** The gravest of its findings. */
  readonly severity: FindingSeverity | null;
}

export interface FabricView {
  readonly subnet: string;
  /** The node that swept last. */
  readonly swept_by: string;
  /** When the last sweep came, and how long ago that is. */
  readonly time_ms: number;
  readonly age_seconds: number;
  /** Older than three periods: what is shown may no longer be so. */
  readonly stale: boolean;
  readonly sweep_seconds: number;
  readonly topology_changes: number;
  readonly coverage: {
    readonly devices: number;
    readonly links: number;
    readonly silent: number;
    /** Adapters that an agent has a port of, of all adapters. */
    readonly adapters: number;
    readonly adapters_with_agent: number;
    /** Ends of links whose counters are read. */
    readonly ports: number;
    readonly ports_with_counters: number;
    /** What the sweep could not read, in words. */
    readonly problems: readonly string[];
  };
  readonly devices: readonly FabricDeviceView[];
  readonly links: readonly FabricLinkView[];
  readonly findings: readonly FabricFindingView[];
}

export interface FabricAnswer {
  readonly schema_version: number;
  readonly coverage: Coverage;
  readonly fabrics: readonly FabricView[];
}
