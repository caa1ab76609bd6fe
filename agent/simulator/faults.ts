// What breaks in the simulated cluster, and when: one GPU falls off its bus for some hours of each day, one has memory that
// wears out, some jobs end with an error of their own. All of it follows from the seed. https://docs.nvidia.com/deploy/xid-errors/
import { noFabricFaults, planFabricFaults, type FabricFaults } from './fabric/faults.ts';
import { buildFabric } from './fabric/topology.ts';
import type { NodeHardware } from './hardware.ts';
import type { Job } from './jobs.ts';
import { LOST_AFTER_S, type GpuPlace, type WantedFaults } from './wanted-faults.ts';
import { noiseAt, Random } from './random.ts';

/** Nobody can use the GPU in between. */
export interface Outage extends GpuPlace {
  readonly fromS: number;
  readonly toS: number;
}

/** Corrected errors come in steps; of every few of them one page is given up. */
export interface WornMemory extends GpuPlace {
  readonly firstS: number;
  readonly errorEveryS: number;
  readonly errorsPerPage: number;
}

export interface FaultPlan {
  readonly outages: readonly Outage[];
  readonly wornMemory: WornMemory | undefined;
  readonly jobErrors: boolean;
  readonly fabric: FabricFaults;
}

export const noFaults: FaultPlan = { outages: [], wornMemory: undefined, jobErrors: false, fabric: noFabricFaults };

const DAY_S = 86_400;
const HOUR_S = 3600;
const DAYS = 14;
/** Of all jobs of a kind that can, so many end with an Xid. */
const JOB_ERRORS = 0.05;

/** Nodes whose drive is slow have trouble enough. */
export function planFaults(seed: number, nodes: readonly NodeHardware[]): FaultPlan {
  const healthy = nodes.filter((node) => node.drives.every((drive) => drive.health === 1));
  const [lost, worn] = [pickGpu(new Random(seed, 'lost'), healthy), pickGpu(new Random(seed, 'worn'), healthy)];
  return {
    outages: lost ? outagesOf(lost, new Random(seed, 'outages')) : [],
    // One page an hour, the first a few minutes after the start.
    wornMemory: worn && { ...worn, firstS: -3400, errorEveryS: 30, errorsPerPage: 120 },
    jobErrors: true,
    fabric: planFabricFaults(seed, buildFabric(seed, nodes)),
  };
}

/** Besides what is planned the GPUs that a rehearsal loses. */
export function withLost(plan: FaultPlan, { lostGpus }: Pick<WantedFaults, 'lostGpus'>): FaultPlan {
  const lost = lostGpus.map((place) => ({ ...place, fromS: LOST_AFTER_S, toS: DAYS * DAY_S }));
  return lost.length === 0 ? plan : { ...plan, outages: [...plan.outages, ...lost] };
}

/** The first soon after the start, those of later days at any hour. */
function outagesOf(place: GpuPlace, random: Random): readonly Outage[] {
  return Array.from({ length: DAYS }, (_, day) => {
    const fromS = day === 0 ? random.between(100, 200) : day * DAY_S + random.between(0, 16) * HOUR_S;
    return { ...place, fromS, toS: fromS + random.between(2, 6) * HOUR_S };
  });
}

function pickGpu(random: Random, nodes: readonly NodeHardware[]): GpuPlace | undefined {
  const node = nodes[random.integer(0, nodes.length - 1)];
  return node && { node: node.index, gpu: random.integer(0, node.gpus.length - 1) };
}

/** The Xid with which a job ends; undefined for most. */
export function xidAtEndOf({ kind, stream }: Job): 13 | 31 | undefined {
  if (kind === 'empty' || noiseAt(stream, 1300) >= JOB_ERRORS) return undefined;
  return noiseAt(stream, 1301) < 0.4 ? 13 : 31;
}

/** Corrected errors up to a moment. */
export function correctedBy({ firstS, errorEveryS }: WornMemory, timeS: number): number {
  return timeS < firstS ? 0 : 1 + Math.floor((timeS - firstS) / errorEveryS);
}

/** Pages given up until a moment: never more than the 64 that a GPU has to spare. */
export function retiredBy(worn: WornMemory, timeS: number): number {
  return Math.min(60, Math.floor(correctedBy(worn, timeS) / worn.errorsPerPage));
}
