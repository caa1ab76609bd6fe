// Opinions about a fabric out of its topology and what its counters gained. Each rule stands with its thresholds in judge/.
import { findingSeverities } from '#server/contract';
import type { FabricFinding } from './finding.ts';
import type { FabricHistory } from './history.ts';
import { judgeBalance } from './judge/balance.ts';
import { judgeCongestion } from './judge/congestion.ts';
import { judgeResets, judgeSaturated } from './judge/counting.ts';
import { judgeDegraded } from './judge/degraded.ts';
import type { Judging, Rule } from './judge/judging.ts';
import { judgeLost, judgeWaiting } from './judge/lost.ts';
import { judgeRails, judgeUplinks } from './judge/missing.ts';
import { judgeNaming } from './judge/naming.ts';
import { judgeQuality } from './judge/quality.ts';
import { judgeSilent } from './judge/silent.ts';
import type { FabricModel } from './model.ts';

export interface JudgeOptions {
  /** Whether totals since the last reset are told, as information, while there has been one sweep only. True unless said. */
  readonly totals?: boolean;
}

/** In the order of precedence where two rules find the same: what was lost is known better than what others have. */
const rules: readonly Rule[] = [
  judgeLost,
  judgeWaiting,
  judgeRails,
  judgeUplinks,
  judgeSilent,
  judgeDegraded,
  judgeQuality,
  judgeCongestion,
  judgeBalance,
  judgeNaming,
  judgeResets,
  judgeSaturated,
];

/** The gravest first. */
export function judgeFabric(
  model: FabricModel,
  history: FabricHistory,
  { totals = true }: JudgeOptions = {},
): readonly FabricFinding[] {
  const judging: Judging = { model, history, nowMs: history.nowMs, totals: totals && history.sweeps <= 1 };
  const byId = new Map<string, FabricFinding>();
  for (const finding of rules.flatMap((rule) => rule(judging)))
    if (!byId.has(finding.id)) byId.set(finding.id, finding);
  const weight = ({ severity }: FabricFinding): number => findingSeverities.indexOf(severity);
  return [...byId.values()].toSorted((a, b) => weight(b) - weight(a));
}
