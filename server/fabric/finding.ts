// What a finding about a fabric is. One per link or cause, never one per counter.
import type { FindingKind, FindingPort, FindingSeverity } from '#server/contract';

export type { FindingKind, FindingPort, FindingSeverity } from '#server/contract';

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
