// Opinions about a fabric out of its topology and what its counters gained. Thresholds stand beside the rules that use them.
import type { FabricFinding } from './finding.ts';
import type { FabricHistory } from './history.ts';
import type { FabricModel } from './model.ts';

export interface JudgeOptions {
  /** Whether totals since the last reset are told, as information, while there has been one sweep only. True unless said. */
  readonly totals?: boolean;
}

export function judgeFabric(
  _model: FabricModel,
  _history: FabricHistory,
  _options: JudgeOptions = {},
): readonly FabricFinding[] {
  return [];
}
