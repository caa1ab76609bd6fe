// The rules that one GPU's own signals decide, in the order in which the first of equals is believed.
import type { Features } from '../features.ts';
import type { Finding } from '../verdict.ts';
import { communicationRules } from './communication.ts';
import { railRules } from './rails.ts';
import { slowedRules } from './slowed.ts';
import { starvedRules } from './starved.ts';
import { useRules } from './use.ts';
import type { Rule } from './rule.ts';

export const gpuRules: readonly Rule[] = [
  ...slowedRules,
  ...starvedRules,
  ...railRules,
  ...communicationRules,
  ...useRules,
];

/** All that match, the one that costs most first; of equals the earlier rule. */
export function findAll(features: Features): readonly Finding[] {
  const found = gpuRules.flatMap(({ find }) => find(features) ?? []);
  const first = new Map(found.map((finding) => [finding.cause, finding]));
  return [...first.values()].sort((a, b) => b.loss - a.loss);
}
