// How fast each job runs now, and what holds it back: the scarcest of storage, server, CPU and workers sets the pace.
// A job of several nodes runs at the pace of its slowest one.
import type { NodeHardware } from './hardware.ts';
import type { RunningJob } from './queue.ts';
import { noiseAt, smoothNoiseAt } from './random.ts';

export type Phase = 'startup' | 'run' | 'checkpoint' | 'burst' | 'idle' | 'none';
export type Limit = 'none' | 'local_storage' | 'shared_storage' | 'cpu' | 'workers';

export interface Pace {
  readonly job: RunningJob;
  readonly phase: Phase;
  /** Share of full speed, 0–1. */
  readonly speed: number;
  readonly limit: Limit;
  /** How far the job has come in its start-up, 0–1. */
  readonly progress: number;
  /** Share of what it wants to send to other nodes that the fabric lets it, 0–1. */
  readonly fabric: number;
}

const NETWORK_BYTES_PER_S = 11.7e9;
const SERVER_BYTES_PER_S = 48e9;
/** Below this share of full speed something holds a job back; jitter alone does not. */
const HELD_BACK = 0.97;

export function paceAll(
  running: Iterable<RunningJob>,
  nodes: readonly NodeHardware[],
  timeS: number,
): ReadonlyMap<RunningJob, Pace> {
  const phases = [...running].map((job) => ({ job, ...phaseOf(job, timeS) }));
  const demands = demandsOf(phases, nodes.length);
  return new Map(
    phases.map(({ job, phase, progress }): [RunningJob, Pace] => {
      if (phase !== 'run') return [job, { job, phase, progress, speed: 0, limit: 'none', fabric: 1 }];
      return [job, { job, phase, progress, fabric: 1, ...speedOf(job, nodes, demands) }];
    }),
  );
}

export function phaseOf(job: RunningJob, timeS: number): { readonly phase: Phase; readonly progress: number } {
  const ageS = timeS - job.startS;
  const { startupS, checkpointEveryS, checkpointS, burstEveryS, burstS } = job.rhythm;
  if (job.kind === 'empty') return { phase: 'none', progress: 0 };
  if (ageS < startupS) return { phase: 'startup', progress: ageS / startupS };
  const sinceS = ageS - startupS;
  if (job.kind === 'notebook') {
    const bursts = burstEveryS > 0 && sinceS % burstEveryS >= burstEveryS - burstS;
    return { phase: bursts ? 'burst' : 'idle', progress: 1 };
  }
  const saves = checkpointEveryS > 0 && sinceS % (checkpointEveryS + checkpointS) >= checkpointEveryS;
  return { phase: saves ? 'checkpoint' : 'run', progress: 1 };
}

/** What a node's disks can read as one striped volume: the slowest drive sets the pace of all. */
export function stripedReadBytesPerS({ platform, drives }: NodeHardware): number {
  return Math.min(...drives.map((drive) => drive.health)) * platform.drive.readBytesPerS * drives.length;
}

interface Demands {
  readonly local: readonly number[];
  readonly shared: readonly number[];
  readonly server: number;
}

function demandsOf(phases: readonly { readonly job: RunningJob; readonly phase: Phase }[], nodes: number): Demands {
  const local = new Array<number>(nodes).fill(0);
  const shared = new Array<number>(nodes).fill(0);
  let server = 0;
  for (const { job, phase } of phases) {
    if (phase !== 'run') continue;
    const { dataset, readBytesPerS, serverBytesPerS } = job.needs;
    for (const { node, gpus } of job.places) {
      const bytes = Math.min(readBytesPerS, serverBytesPerS) * gpus.length;
      if (dataset === 'local') local[node] = (local[node] ?? 0) + bytes;
      if (dataset === 'shared') {
        shared[node] = (shared[node] ?? 0) + bytes;
        server += bytes;
      }
    }
  }
  return { local, shared, server };
}

function speedOf(job: RunningJob, nodes: readonly NodeHardware[], demands: Demands): { speed: number; limit: Limit } {
  let speed = 1;
  let limit: Limit = 'none';
  const hold = (share: number, by: Limit): void => {
    if (share >= speed) return;
    speed = share;
    limit = share < HELD_BACK ? by : limit;
  };
  const { loaderCores, workers } = job.needs;
  hold(workers / loaderCores, 'workers');
  for (const { node } of job.places) {
    const hardware = nodes[node];
    if (!hardware) continue;
    hold((hardware.gpus[0]?.cpus.length ?? 1) / (loaderCores + 1), 'cpu');
    if (job.needs.dataset === 'local') {
      hold(stripedReadBytesPerS(hardware) / (demands.local[node] ?? 0), 'local_storage');
    }
    if (job.needs.dataset === 'shared') hold(sharedShare(job, node, demands), 'shared_storage');
  }
  return { speed, limit };
}

function sharedShare(job: RunningJob, node: number, demands: Demands): number {
  const { readBytesPerS, serverBytesPerS } = job.needs;
  const granted = Math.min(1, NETWORK_BYTES_PER_S / (demands.shared[node] ?? 0), SERVER_BYTES_PER_S / demands.server);
  return (Math.min(readBytesPerS, serverBytesPerS) / readBytesPerS) * granted;
}

/** Share of a step in collectives that nothing overlaps: more of it the less the fabric carries. */
export function exposedCommOf({ job, fabric }: Pace): number {
  return 1 - (1 - job.needs.exposedComm) * fabric;
}

/** Share of the last second in which kernels of a GPU ran, as the driver's window sees it. */
export function busyShareOf({ job, phase, speed, progress }: Pace, gpu: number, timeS: number): number {
  const noise = noiseAt(job.stream + gpu, Math.floor(timeS * 10));
  switch (phase) {
    case 'startup':
      return progress > 0.6 && noise > 0.6 ? 0.3 * noise : 0;
    case 'run':
      return runningShare(job, speed, { timeS, noise });
    case 'burst':
      return 0.55 + 0.4 * noise;
    case 'checkpoint':
      return noise > 0.9 ? 0.04 : 0;
    case 'idle':
    case 'none':
      return 0;
  }
}

/** Short steps average out within a second; long ones show as a wave of work and waiting. */
function runningShare(job: RunningJob, speed: number, { timeS, noise }: { timeS: number; noise: number }): number {
  const full = job.kind === 'light' ? 0.55 + 0.3 * smoothNoiseAt(job.stream, timeS, 30) : 1 - 0.06 * noise;
  if (speed > HELD_BACK) return full;
  const wander = speed * (0.92 + 0.16 * smoothNoiseAt(job.stream, timeS, 20));
  if (job.rhythm.stepS < 2) return Math.min(1, Math.max(0, wander + (noise - 0.5) * 0.16));
  const inStep = (timeS / job.rhythm.stepS) % 1;
  return inStep < wander ? 1 - 0.06 * noise : 0.03 * noise;
}
