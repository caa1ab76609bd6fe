// The quantities that rules look at, from the means of a window and what is known of the GPU and its job. detection.md §3.
// Whatever needs a signal that is missing is NaN, and no comparison with NaN holds.
import type { GpuFacts, GpuSignals, NodeFacts, NodeSignals, RailSignals } from '#agent/contract';
import { powerActivity } from './power.ts';
import type { Reference } from './reference.ts';
import type { GpuSlot } from './slot.ts';

export interface Features {
  readonly facts: GpuFacts;
  readonly mean: GpuSignals;
  readonly node: NodeSignals;
  readonly cpus: number;
  readonly nodeGpus: number;
  /** Nodes of its job. */
  readonly jobNodes: number;
  readonly reference: Reference;
  readonly samples: number;
  readonly powerDeviationW: number;
  /** Share of the time in which a kernel ran. */
  readonly busy: number;
  /** Multiprocessor activity where it is known, else the draw between idle and the limit. */
  readonly activity: number;
  /** Whether the activity is that of the profiling counters. */
  readonly profiled: boolean;
  readonly power: number;
  /** Effective duty: 1 is what the job does when nothing holds it back. NaN without a GPU reading. */
  readonly effective: number;
  /** SM clock by its maximum, while kernels run. */
  readonly clock: number;
  /** Of the loader's workers: shares of their time. */
  readonly running: number;
  readonly waiting: number;
  readonly blocked: number;
  readonly slack: number;
  /** Data to the GPU by what its link carries as it came up. */
  readonly copies: number;
  readonly nvlink: number;
  /** Of the active ports: bytes by rate, the busier direction; share of the time without credit. */
  readonly infiniband: number;
  readonly portWait: number;
  /** Share of the time in exposed communication. */
  readonly communication: number;
}

/** Activity of a kernel that only waits for other GPUs, as a share of full: by multiprocessors, by draw. */
export const SPIN = { profiled: 0.1, power: 0.16 } as const;

export interface FeatureInput {
  readonly facts: GpuFacts;
  readonly node: NodeFacts;
  readonly nodeMean: NodeSignals;
  readonly slot: GpuSlot;
  readonly reference: Reference;
  readonly jobNodes: number;
}

export function featuresOf({ facts, node, nodeMean, slot, reference, jobNodes }: FeatureInput): Features {
  const { mean } = slot;
  const busy = plausibleRatio(mean.busy);
  const clock = mean.clockHz / facts.clockMaxHz;
  const power = powerActivity(mean, facts, reference.contextW);
  const sm = plausibleRatio(mean.sm);
  const profiled = !Number.isNaN(sm);
  const activity = profiled ? sm : power;
  const spin = profiled ? SPIN.profiled : SPIN.power;
  const full = (profiled ? reference.sm : reference.power) / reference.busy;
  const running = mean.workersRunning / mean.workers;
  const waiting = mean.workersWaiting / mean.workers;
  const blocked = mean.workersBlocked / mean.workers;
  return {
    ...{
      facts,
      mean,
      node: nodeMean,
      cpus: node.cpus,
      nodeGpus: node.gpus.length,
      jobNodes,
      reference,
      busy,
      activity,
      profiled,
      power,
      clock,
    },
    samples: slot.samples,
    powerDeviationW: slot.powerDeviationW,
    effective: effectiveDuty({ activity, busy, spin, full, referenceBusy: reference.busy }),
    ...{ running, waiting, blocked, slack: 1 - running - waiting - blocked },
    copies: mean.pcieRxBps / (facts.pcieBps * linkShare(mean, facts)),
    nvlink: mean.nvlinkBps / facts.nvlinkBps,
    infiniband: infinibandUse(nodeMean),
    portWait: portWait(nodeMean),
    communication: clamp((full - activity / busy) / (full - spin)),
  };
}

/** What spins counts as spinning: the share of the time in work, by the same while all was well. */
function effectiveDuty(now: {
  readonly activity: number;
  readonly busy: number;
  readonly spin: number;
  readonly full: number;
  readonly referenceBusy: number;
}): number {
  const { activity, busy, spin, full, referenceBusy } = now;
  // Without a measure of work being busy is all that is known.
  if (full <= spin || Number.isNaN(activity)) return clamp(busy / referenceBusy);
  return clamp((activity - spin * busy) / (full - spin) / referenceBusy);
}

/** What is left of a PCIe link that came up narrow or slow. */
function linkShare({ pcieWidth, pcieGeneration }: GpuSignals, facts: GpuFacts): number {
  const width = pcieWidth < facts.pcieWidthMax ? pcieWidth / facts.pcieWidthMax : 1;
  const speed = pcieGeneration < facts.pcieGenerationMax ? 2 ** (pcieGeneration - facts.pcieGenerationMax) : 1;
  return width * speed;
}

/** A counter that ran over or an unset field is no measurement. */
function plausibleRatio(value: number): number {
  return value >= 0 && value <= 1.05 ? Math.min(1, value) : NaN;
}

function clamp(value: number): number {
  return Math.min(1, Math.max(0, value));
}

/** The busier direction of a port. */
export function busierOf({ txBps, rxBps }: RailSignals): number {
  return rxBps > txBps || Number.isNaN(txBps) ? rxBps : txBps;
}

function infinibandUse({ rails }: NodeSignals): number {
  let bytes = 0;
  let rate = 0;
  for (const rail of rails) {
    const most = busierOf(rail);
    if (!rail.up || Number.isNaN(most)) continue;
    bytes += most;
    rate += rail.rateBps;
  }
  return bytes / rate;
}

/** Of the ports that carry something: a quiet port never waits. */
function portWait({ rails }: NodeSignals): number {
  let worst = NaN;
  for (const { wait, up } of rails) if (up && !(wait <= worst) && !Number.isNaN(wait)) worst = wait;
  return worst;
}
