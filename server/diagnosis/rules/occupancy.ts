// Whether anybody uses the GPU at all, before it is asked how well. detection.md §4.1.
import type { GpuSignals, JobFacts } from '#agent/contract';
import type { Features } from '../features.ts';
import type { Finding } from '../verdict.ts';
import { evidence, figure } from './rule.ts';

/** What is known of who has the GPU. */
export interface Holding {
  /** undefined: nobody was given it, or nobody knows. */
  readonly job: JobFacts | undefined;
  /** Whether some scheduler tells who was given what. */
  readonly jobsKnown: boolean;
  /** The node is out of service, says the scheduler. */
  readonly planned: boolean;
  /** A job waits for such GPUs and does not fit. */
  readonly wanted: boolean;
  readonly ageS: number;
  /** The job has worked before. */
  readonly started: boolean;
  /** Some process of the job was seen on the GPU. */
  readonly hadProcess: boolean;
  /** The slot itself: whether somebody is there is a matter of seconds. */
  readonly slot: GpuSignals;
  /** Share of the slots of two minutes in which nothing ran. */
  readonly idleShare: number;
}

export const IDLE = 0.02;
/** A cell of a notebook runs for some seconds now and then; the minute around it is idle all the same. */
const MOSTLY = 0.35;
const BURSTS_BELOW = 0.15;
const IDLE_THREAD = 0.05;
/** Memory that a driver holds without any process. */
const BASELINE_BYTES = 64 * 1024 * 1024;
const START_GRACE_S = 240;
const STARTUP_AT_MOST_S = 900;

export function findOccupancy(features: Features, holding: Holding): Finding | undefined {
  const { mean } = features;
  if (mean.fault >= 0.5) return whole('fault', 1, 'high', evidence(figure('fault', mean.fault)));
  const held = holdsProcess(holding.slot);
  if (held === false) return findEmpty(features, holding);
  const idle = isIdle(features, holding);
  if (!holding.job && holding.jobsKnown) return idle ? free(features, holding) : undefined;
  if (holding.job?.kind === 'service') return findService(features);
  if (held === undefined && holding.slot.busy < IDLE) return findHidden(features, holding);
  const starts = !holding.started && holding.ageS < STARTUP_AT_MOST_S;
  // Whoever sees the main thread sees whether it is busy starting.
  if (idle && !(starts && Number.isNaN(mean.mainThread))) return findIdle(features);
  if (starts && !(features.effective >= 0.3)) {
    return whole(
      'startup',
      Number.isNaN(features.effective) ? 1 : 1 - features.effective,
      'medium',
      evidence(figure('age', holding.ageS)),
    );
  }
  return undefined;
}

/** undefined where neither processes nor memory can be read. */
function holdsProcess({ processes, memoryUsedBytes, busy }: GpuSignals): boolean | undefined {
  if (!Number.isNaN(processes)) return processes > 0;
  if (memoryUsedBytes > BASELINE_BYTES || busy > IDLE) return true;
  return undefined;
}

function findEmpty(features: Features, holding: Holding): Finding {
  if (!holding.job) return free(features, holding);
  if (!holding.hadProcess && holding.ageS < START_GRACE_S) {
    return whole('startup', 1, 'medium', evidence(figure('age', holding.ageS)));
  }
  return whole(
    'held.no_process',
    1,
    'high',
    evidence(figure('processes', 0), figure('memory_used', features.mean.memoryUsedBytes)),
  );
}

function free({ mean }: Features, { planned, wanted, jobsKnown }: Holding): Finding {
  if (planned) return whole('planned', 1, 'high', []);
  const finding = whole('free', 1, jobsKnown ? 'high' : 'medium', evidence(figure('processes', mean.processes)));
  return wanted ? { ...finding, class: 'free.stranded' } : finding;
}

/** Its processes cannot be seen: a GPU without memory in use is free or was left empty, and nobody can say which. */
function findHidden({ mean }: Features, holding: Holding): Finding {
  if (!holding.job && !(holding.slot.memoryUsedBytes > BASELINE_BYTES)) return whole('free', 1, 'medium', []);
  return whole('unknown', 1, 'low', evidence(figure('busy', mean.busy), figure('memory_used', mean.memoryUsedBytes)));
}

function isIdle({ mean, running, blocked, busy }: Features, { idleShare }: Holding): boolean {
  const bursts = idleShare >= MOSTLY && busy < BURSTS_BELOW;
  const thread = bursts ? BURSTS_BELOW + IDLE_THREAD : IDLE_THREAD;
  return (busy < IDLE || bursts) && !(mean.mainThread >= thread) && !(running + blocked >= IDLE);
}

function findIdle({ mean }: Features): Finding {
  const seen = Number.isNaN(mean.mainThread) ? 'medium' : 'high';
  return whole(
    'held.idle',
    1,
    seen,
    evidence(
      figure('busy', mean.busy),
      figure('memory_used', mean.memoryUsedBytes),
      figure('main_thread', mean.mainThread),
    ),
  );
}

function findService(features: Features): Finding | undefined {
  const { busy, effective } = features;
  if (busy > 0.6) return undefined;
  return whole(
    'low_demand',
    1 - Math.min(busy, Number.isNaN(effective) ? busy : effective),
    'medium',
    evidence(figure('busy', busy)),
  );
}

function whole(
  cause: Finding['cause'],
  loss: number,
  confidence: Finding['confidence'],
  figures: Finding['evidence'],
): Finding {
  return { cause, loss, confidence, evidence: figures };
}
