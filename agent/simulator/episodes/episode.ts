// A labelled episode: made from a seed, with the truth found by simulating again without the constraint. detection.md §8.2.
import type { JobFacts, NodeFacts, NodeSecond } from '#agent/contract';
import { Random } from '../random.ts';
import { factsOf, nodeName, uuidAt } from './machine.ts';
import { runPipeline, type Bins } from './pipeline.ts';
import type { Span } from './parameters.ts';
import type { Fault, Plan } from './plan.ts';
import { applyQuality, type Quality } from './quality.ts';
import { Draw, ranges as usualRanges, type Ranges } from './ranges.ts';
import { scenarios } from './scenarios.ts';
import { showNode } from './signals.ts';

export interface Episode {
  readonly scenario: string;
  readonly nodes: readonly NodeFacts[];
  readonly jobs: readonly JobFacts[];
  /** By node. */
  readonly seconds: readonly (readonly NodeSecond[])[];
  readonly truth: Truth;
}

export interface Truth {
  readonly cause: string;
  /** Also right, without being the best answer. */
  readonly accepts: readonly string[];
  readonly owner: string | undefined;
  /** When the cause holds. */
  readonly fault: Span | undefined;
  /** Factor gained without it; undefined where nothing is to be gained or removal means nothing. */
  readonly speedup: number | undefined;
  readonly lostGpuSeconds: number;
}

export interface EpisodeOptions {
  readonly scenario: string;
  readonly seed: number;
  readonly ranges?: Ranges;
  readonly quality?: Partial<Quality>;
}

/** The job has been running for so long when the episode begins. */
const RUNNING_S = 60;
/** A constraint whose removal gains less is none. */
const WORTH = 1.15;
/** Slight stragglers are asked for by name. */
const WORTH_SLIGHT = 1.05;

export function makeEpisode({ scenario, seed, ranges = usualRanges, quality = {} }: EpisodeOptions): Episode {
  const meant = scenarios[scenario];
  if (!meant) throw new RangeError(`there is no scenario ${scenario}`);
  const plan = meant.plan(new Draw(new Random(seed, 'episode', scenario), ranges));
  const bins = simulate(plan, seed, plan.goesWrong);
  const nodes = factsOf(plan.machine, plan.limitW);
  const seconds = nodes.map((_, node) =>
    applyQuality(showNode(plan, bins, node, seed), quality, new Random(seed, 'quality', node)),
  );
  return { scenario, nodes, jobs: jobsOf(plan), seconds, truth: findTruth(scenario, plan, bins, seed) };
}

function simulate(plan: Plan, seed: number, goesWrong: Fault | undefined): Bins {
  const { machine, durationS, fault } = plan;
  const ranks = machine.nodes * machine.gpusPerNode;
  const runs = plan.idle === undefined;
  return runPipeline({
    seed,
    durationS,
    nodeOf: Array.from({ length: ranks }, (_, rank) => Math.floor(rank / machine.gpusPerNode)),
    nodes: machine.nodes,
    parameters: (rank, timeS) => {
      const well = plan.well(rank);
      return goesWrong && timeS >= fault.fromS && timeS < fault.toS ? goesWrong.rank(rank, well) : well;
    },
    pauses: plan.pauses,
    spin: plan.spin,
    startsAtS: runs ? (plan.startup?.firstStepS ?? -RUNNING_S) : durationS,
    alreadyRuns: plan.startup === undefined,
    stopsAtS: plan.hangs ? fault.fromS : Infinity,
  });
}

function findTruth(scenario: string, plan: Plan, bins: Bins, seed: number): Truth {
  const { cause, accepts = [], evident, owner } = scenarios[scenario] ?? { cause: 'none' };
  const { fault, startup, hangs } = plan;
  const base = { accepts, owner, speedup: undefined, lostGpuSeconds: 0 };
  if (cause === 'none') return { ...base, cause, fault: undefined };
  if (startup) return { ...base, cause, fault: { fromS: startup.jobS, toS: startup.firstStepS } };
  if (plan.idle) return { ...base, cause, fault: { fromS: 0, toS: plan.durationS } };
  if (hangs) return { ...base, cause, fault: { fromS: fault.fromS, toS: plan.durationS } };
  const gains = Object.values(plan.removals).map(
    (removed) => stepsIn(simulate(plan, seed, removed), fault) / stepsIn(bins, fault),
  );
  const speedup = Math.max(1, ...gains);
  if (scenario === 'straggler_slight' && speedup < WORTH_SLIGHT)
    return { ...base, cause: 'none', accepts: [cause], fault: undefined };
  if (evident) return { ...base, cause, fault, ...(scenario === 'straggler_slight' && { speedup }) };
  if (speedup < WORTH) return { ...base, cause: 'none', accepts: [...accepts, cause], fault: undefined };
  const gpus = plan.machine.nodes * plan.machine.gpusPerNode;
  return { ...base, cause, fault, speedup, lostGpuSeconds: gpus * (fault.toS - fault.fromS) * (1 - 1 / speedup) };
}

function stepsIn({ stepEnds }: Bins, { fromS, toS }: Span): number {
  return Math.max(1, stepEnds.filter((endS) => endS >= fromS && endS < toS).length);
}

function jobsOf({ machine, idle, jobKind, startup, input }: Plan): readonly JobFacts[] {
  if (idle?.kind === 'free') return [];
  const gpus = Array.from({ length: machine.nodes * machine.gpusPerNode }, (_, rank) => {
    const node = Math.floor(rank / machine.gpusPerNode);
    return { node: nodeName(node), uuid: uuidAt(node, rank % machine.gpusPerNode) };
  });
  const startMs = startup ? startup.jobS * 1000 : -3_600_000;
  return [
    {
      ...{
        id: '1',
        user: 'abel',
        account: 'lab',
        partition: 'gpu',
        name: 'train',
        kind: jobKind,
        startMs,
        endMs: undefined,
      },
      ...{ gpus, cpus: machine.cores * machine.nodes, input },
    },
  ];
}
