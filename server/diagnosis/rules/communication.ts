// Communication that nothing overlaps: NVLink, InfiniBand bandwidth, congestion. detection.md §4.3.
import { busierOf, type Features } from '../features.ts';
import type { Finding } from '../verdict.ts';
import { confidenceOf, evidence, figure, lossOf, WORTH_NAMING, type Rule } from './rule.ts';

const SLACK = 0.12;
const EXPOSED = 0.12;
const CONGESTED = 0.12;
/** Share of what the links carry, on average over the step. */
const LOADED = 0.12;

export const communicationRules: readonly Rule[] = [
  { cause: 'ib.congestion', needs: ['activity', 'infiniband', 'job'], find: findCongestion },
  { cause: 'ib.bandwidth', needs: ['activity', 'infiniband', 'job'], find: findBandwidth },
  { cause: 'nvlink', needs: ['activity', 'nvlink'], find: findNvlink },
];

function waits(features: Features): boolean {
  const { communication, slack } = features;
  return communication > EXPOSED && lossOf(features) >= WORTH_NAMING && !(slack <= SLACK);
}

function findCongestion(features: Features): Finding | undefined {
  const { portWait, infiniband, communication, jobNodes } = features;
  if (jobNodes < 2 || !waits(features) || !(portWait >= Math.max(CONGESTED, 0.2 * communication))) return undefined;
  return found('ib.congestion', features, [figure('port_wait', portWait), figure('infiniband_load', infiniband)]);
}

function findBandwidth(features: Features): Finding | undefined {
  const { portWait, infiniband, communication, jobNodes } = features;
  if (jobNodes < 2 || !waits(features) || portWait >= CONGESTED) return undefined;
  const load = infinibandWorst(features);
  if (!(load >= LOADED && load / communication >= 0.45)) return undefined;
  const slow = features.node.rails.filter((rail) => rail.up && rail.rateBps < 0.9 * rail.bestRateBps);
  const cause = slow.length > 0 ? 'link_degraded' : 'ib.bandwidth';
  return found(cause, features, [
    figure('infiniband_load', infiniband),
    figure('port_wait', portWait),
    ...slow.map((rail) => figure('infiniband_rate', rail.rateBps, { kind: 'ceiling', value: rail.bestRateBps })),
  ]);
}

/** A single slow rail holds up all: the load of the fullest one counts. */
function infinibandWorst({ node, infiniband }: Features): number {
  const loads = node.rails.filter(({ up }) => up).map((rail) => busierOf(rail) / rail.rateBps);
  const worst = Math.max(...loads, -1);
  return worst > infiniband ? worst : infiniband;
}

function findNvlink(features: Features): Finding | undefined {
  const { nvlink, communication } = features;
  if (!waits(features) || !(nvlink >= LOADED && nvlink / communication >= 0.35)) return undefined;
  return found('nvlink', features, [figure('nvlink_load', nvlink)]);
}

function found(cause: Finding['cause'], features: Features, figures: Finding['evidence']): Finding {
  return {
    cause,
    loss: lossOf(features),
    confidence: confidenceOf(features, Number.isNaN(features.slack) ? 'medium' : 'high'),
    evidence: evidence(
      ...figures,
      figure('communication', features.communication),
      figure('workers_slack', features.slack),
    ),
  };
}
