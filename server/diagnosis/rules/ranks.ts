// What only the ranks of a job side by side can show: who waits for whom. detection.md §4.3, §7.
// The straggler is the rank with the most work; those that wait for it spin.
import { causes } from '#server/contract';
import type { Features } from '../features.ts';
import { meanOf } from '../slot.ts';
import type { Culprit, Finding } from '../verdict.ts';
import { evidence, figure } from './rule.ts';

/** One GPU of the job in the window. */
export interface Rank {
  readonly node: string;
  readonly uuid: string;
  readonly features: Features;
  /** Work by what it does while nothing holds it back, slot by slot; NaN where a slot is missing. */
  readonly work: readonly number[];
  /** What its own signals say. */
  readonly own: Finding | undefined;
}

/** What a finding of the job makes of each rank; undefined: its own finding stands. */
export type RankFinding = Finding | undefined;

const SPINNING = 0.9;
const WAITS = 0.04;

export function findAmongRanks(ranks: readonly Rank[]): readonly RankFinding[] {
  if (ranks.length < 2) return ranks.map(() => undefined);
  const byNode = [...Map.groupBy(ranks, ({ node }) => node).values()];
  const byGpu = ranks.map((rank) => [rank]);
  return (
    findHang(ranks) ??
    findHeldBack(ranks) ??
    findStraggler(ranks, byNode) ??
    findStraggler(ranks, byGpu) ??
    ranks.map(() => undefined)
  );
}

/** All ranks spin, nothing flows, nobody loads data. */
function findHang(ranks: readonly Rank[]): readonly Finding[] | undefined {
  const hangs = ranks.every(({ features }) => {
    const { busy, effective, powerDeviationW, nvlink, copies, jobNodes, infiniband, running, blocked } = features;
    const quiet = !(nvlink >= 0.01) && !(copies >= 0.01) && (jobNodes < 2 || !(infiniband >= 0.01));
    return busy >= 0.95 && effective < 0.2 && !(powerDeviationW >= 3) && quiet && !(running + blocked >= 0.03);
  });
  if (!hangs) return undefined;
  return ranks.map(({ features }) => ({
    cause: 'hang',
    loss: 1,
    confidence: 'medium',
    evidence: evidence(
      figure('busy', features.busy),
      figure('activity', features.activity),
      figure('nvlink_load', features.nvlink),
    ),
  }));
}

/** Some ranks have a cause of their own, the others spin and wait for them. */
function findHeldBack(ranks: readonly Rank[]): readonly RankFinding[] | undefined {
  const culprits = ranks.filter(({ own }) => own && own.loss >= 0.1 && isLocal(own));
  const waiting = ranks.filter((rank) => !culprits.includes(rank) && waitsForOthers(rank));
  if (culprits.length === 0 || waiting.length < Math.max(1, (ranks.length - culprits.length) * 0.6)) return undefined;
  const worst = culprits.reduce((a, b) => ((b.own?.loss ?? 0) > (a.own?.loss ?? 0) ? b : a));
  const cause = worst.own?.cause;
  // The rule rather than the exception: all suffer from the same.
  if (culprits.length > ranks.length / 2) {
    return ranks.map((rank) =>
      waiting.includes(rank) && worst.own ? { ...worst.own, loss: lossOf(rank) } : undefined,
    );
  }
  const sameNode = culprits.every(({ node }) => node === worst.node);
  const culprit: Culprit = {
    node: worst.node,
    cause,
    ...((!sameNode || culprits.length === 1) && { uuid: worst.uuid }),
  };
  return ranks.map((rank) => (waiting.includes(rank) ? waitsFor(culprit, rank, 'high') : undefined));
}

/** Causes that sit in one node or GPU. */
function isLocal({ cause }: Finding): boolean {
  switch (cause) {
    case 'storage':
    case 'storage.nvme':
    case 'storage.network':
    case 'cpu.exhausted':
    case 'cpu.too_few_workers':
    case 'h2d.pcie':
    case 'link_degraded':
    case 'thermal':
    case 'power_cap':
    case 'power_brake':
    case 'clocks_locked':
    case 'launch_bound':
      return true;
    default:
      return false;
  }
}

function waitsForOthers({ features, own }: Rank): boolean {
  return features.busy >= SPINNING * features.reference.busy && lossOf({ features }) >= WAITS && !(own && isLocal(own));
}

function lossOf({ features }: Pick<Rank, 'features'>): number {
  return 1 - features.effective;
}

function waitsFor(culprit: Culprit, rank: Rank, confidence: Finding['confidence']): Finding {
  return {
    cause: 'straggler',
    loss: lossOf(rank),
    confidence,
    culprit,
    // Whoever owns what holds the culprit back.
    owner: culprit.cause === undefined ? 'unknown' : causes[culprit.cause].owner,
    evidence: evidence(figure('work', rank.features.effective), figure('busy', rank.features.busy)),
  };
}

/** A node of the job, or one of its GPUs. */
interface Unit {
  readonly node: string;
  readonly uuid: string | undefined;
  readonly ranks: readonly Rank[];
  readonly work: readonly number[];
  readonly mean: number;
}

const FEWEST = 4;
/** Above the others by so much; smaller differences are nobody's fault. */
const AHEAD = 0.04;
const PERSISTENT = 0.8;
const CLEARLY = 0.08;
const UNEVEN = 0.06;

function findStraggler(
  ranks: readonly Rank[],
  groups: readonly (readonly Rank[])[],
): readonly RankFinding[] | undefined {
  const units = groups.map(unitOf);
  if (units.length < FEWEST || units.some(({ mean }) => Number.isNaN(mean))) return undefined;
  if (ranks.some(({ features }) => features.busy < SPINNING * features.reference.busy)) return undefined;
  const sorted = [...units].sort((a, b) => b.mean - a.mean);
  const group = topGroup(sorted);
  const rest = sorted.slice(group);
  const middle = median(rest.map(({ mean }) => mean));
  const top = sorted.slice(0, group);
  const ahead = meanOf(top, ({ mean }) => mean) / middle - 1;
  const spread = deviation(rest.map(({ mean }) => mean)) / middle;
  const lost = 1 - medianOf(rest, ({ ranks: some }) => meanOf(some, (rank) => rank.features.effective));
  if (lost < WAITS) return undefined;
  const persistent = ahead > Math.max(AHEAD, 2 * spread) && leads(top, rest);
  if (!persistent) return lost >= 0.1 && wanders(ranks, units) ? findImbalance(ranks, 'low') : undefined;
  if (group / units.length > 0.3 || (group > 1 && ranks[0]?.features.reference.kind === 'assumed')) {
    return findImbalance(ranks, 'medium');
  }
  // Two that are equally far ahead are a stage, not two accidents.
  const [first, second] = top;
  if (first && second && first.mean - second.mean < 0.02) return findImbalance(ranks, 'medium');
  const assumed = ranks[0]?.features.reference.kind === 'assumed';
  const culprit: Culprit = {
    node: first?.node ?? '',
    cause: undefined,
    ...(first?.uuid !== undefined && { uuid: first.uuid }),
  };
  return ranks.map((rank) =>
    top.some((unit) => unit.ranks.includes(rank))
      ? undefined
      : waitsFor(culprit, rank, assumed ? 'low' : ahead > 0.1 ? 'high' : 'medium'),
  );
}

function unitOf(ranks: readonly Rank[]): Unit {
  const [first] = ranks;
  const slots = first?.work.length ?? 0;
  const work = Array.from({ length: slots }, (_, at) => meanOf(ranks, (rank) => rank.work[at] ?? NaN));
  const uuid = ranks.length === 1 ? first?.uuid : undefined;
  return { node: first?.node ?? '', uuid, ranks, work, mean: meanOf(work, (one) => one) };
}

/** How many of the sorted units stand above the largest step in their upper half. */
function topGroup(sorted: readonly Unit[]): number {
  let group = 1;
  let largest = -1;
  for (let at = 1; at <= Math.floor(sorted.length / 2); at++) {
    const step = (sorted[at - 1]?.mean ?? 0) - (sorted[at]?.mean ?? 0);
    if (step <= largest) continue;
    largest = step;
    group = at;
  }
  return group;
}

function leads(top: readonly Unit[], rest: readonly Unit[]): boolean {
  const slots = top[0]?.work.length ?? 0;
  let ahead = 0;
  let seen = 0;
  for (let at = 0; at < slots; at++) {
    const lowest = Math.min(...top.map(({ work }) => work[at] ?? NaN));
    const highest = Math.max(...rest.map(({ work }) => work[at] ?? NaN));
    if (Number.isNaN(lowest) || Number.isNaN(highest)) continue;
    seen++;
    if (lowest > highest) ahead++;
  }
  return seen > 0 && ahead / seen >= PERSISTENT;
}

/** Another one leads each time, and clearly; what a rank's own signals explain is not uneven work. */
function wanders(ranks: readonly Rank[], units: readonly Unit[]): boolean {
  if (ranks.some(({ own }) => own && own.loss > 0)) return false;
  const slots = units[0]?.work.length ?? 0;
  const leaders = new Set<number>();
  for (let at = 0; at < slots; at++) {
    const values = units.map(({ work }) => work[at] ?? NaN);
    const most = Math.max(...values);
    if (most / median(values) - 1 >= CLEARLY) leaders.add(values.indexOf(most));
  }
  return leaders.size >= 3;
}

function findImbalance(ranks: readonly Rank[], confidence: Finding['confidence']): readonly RankFinding[] | undefined {
  if (meanOf(ranks, lossOf) < UNEVEN) return undefined;
  return ranks.map((rank) =>
    lossOf(rank) < WAITS
      ? undefined
      : {
          cause: 'imbalance',
          loss: lossOf(rank),
          confidence,
          evidence: evidence(figure('work', rank.features.effective)),
        },
  );
}

function medianOf<T>(all: readonly T[], valueOf: (one: T) => number): number {
  return median(all.map(valueOf));
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? NaN;
}

function deviation(values: readonly number[]): number {
  const mean = meanOf(values, (one) => one);
  return Math.sqrt(meanOf(values, (one) => (one - mean) ** 2));
}
