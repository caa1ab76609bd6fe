// What a finding about a fabric is. One per link or cause, never one per counter.

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

export interface FindingPort {
  readonly guid: string;
  /** 0 for a device as a whole. */
  readonly port: number;
  /** Of an agent. */
  readonly node: string | null;
  /** As the device is called. */
  readonly name: string;
}

export interface FabricFinding {
  /** Stays the same while the condition lasts. */
  readonly id: string;
  readonly kind: FindingKind;
  readonly severity: FindingSeverity;
  readonly ports: readonly FindingPort[];
  /** null where one sweep alone says it. */
  readonly sinceMs: number | null;
  readonly text: string;
}
