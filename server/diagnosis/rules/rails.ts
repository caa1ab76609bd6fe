// InfiniBand ports of one node that are slow or quiet beside their peers, while the job waits for them. detection.md §4.3 C4, §4.5 F3.
import type { RailSignals } from '#agent/contract';
import { busierOf, type Features } from '../features.ts';
import type { Finding } from '../verdict.ts';
import { confidenceOf, evidence, figure, lossOf, WORTH_NAMING, type Rule } from './rule.ts';

export const railRules: readonly Rule[] = [
  { cause: 'link_degraded', needs: ['activity', 'infiniband', 'job'], find: findSlowRail },
  { cause: 'rail_imbalance', needs: ['activity', 'infiniband', 'job'], find: findQuietRail },
];

const QUIET = 0.5;
const USED = 0.05;

function waits(features: Features): boolean {
  return (
    features.jobNodes > 1 &&
    lossOf(features) >= WORTH_NAMING &&
    features.communication > 0.12 &&
    !(features.slack <= 0.12)
  );
}

function findSlowRail(features: Features): Finding | undefined {
  const slow = features.node.rails.find((rail) => rail.up && rail.rateBps < 0.9 * rail.bestRateBps);
  if (!slow || !waits(features) || !(loadOf(slow) >= Math.max(USED, 0.3 * features.communication))) return undefined;
  return {
    cause: 'link_degraded',
    loss: lossOf(features),
    confidence: confidenceOf(features),
    evidence: evidence(
      figure('infiniband_rate', slow.rateBps, { kind: 'ceiling', value: slow.bestRateBps }),
      figure('infiniband_load', loadOf(slow)),
    ),
  };
}

function findQuietRail(features: Features): Finding | undefined {
  const { rails } = features.node;
  if (rails.length < 2 || !waits(features)) return undefined;
  const bytes = rails.map(bytesOf);
  const [least, most] = [Math.min(...bytes), Math.max(...bytes)];
  const busiest = rails[bytes.indexOf(most)];
  if (!busiest || !(least < QUIET * most) || !(loadOf(busiest) >= USED)) return undefined;
  return {
    cause: 'rail_imbalance',
    loss: lossOf(features),
    confidence: confidenceOf(features, 'medium'),
    evidence: evidence(
      figure('rail_bytes', least, { kind: 'peers', value: most }),
      figure('infiniband_load', loadOf(busiest)),
    ),
  };
}

function bytesOf(rail: RailSignals): number {
  return rail.up ? busierOf(rail) : 0;
}

function loadOf(rail: RailSignals): number {
  return bytesOf(rail) / rail.rateBps;
}
