// Time without readings that the server finds itself: an agent that stood still, an agent that did not run.
import type { Instance, Intake } from './intake.ts';

/** Shorter silences are late ticks. */
const PAUSE_MS = 5000;
const PAUSE_PERIODS = 3;

/** Between two frames of one process that follow each other. */
export function recordPause(
  intake: Intake,
  instance: Instance,
  frame: {
    readonly seq: number;
    readonly timeMs: number;
    readonly previousMs: number | undefined;
    readonly intervalMs: number;
  },
): void {
  const { seq, timeMs, previousMs, intervalMs } = frame;
  if (previousMs === undefined || timeMs - previousMs <= Math.max(PAUSE_PERIODS * intervalMs, PAUSE_MS)) return;
  // With frames between them they are on their way, or recorded as lost by whoever lost them.
  if (!instance.seqs.has(seq - 1)) return;
  intake.gap({ fromSeq: -1, toSeq: -1, fromMs: previousMs, toMs: timeMs, reason: 'paused' }, instance);
}

/**
 * Between the last frame of the process before and the first of this one, once all that it left is here. What it had
 * numbered and nobody brought is lost, unless another server may have it.
 */
export function recordSilence(intake: Intake, instance: Instance, elsewhere: boolean): void {
  const firstMs = instance.firstLiveMs;
  const [before] = intake.others(instance);
  if (before === undefined || firstMs === undefined || before.lastMs >= firstMs) return;
  if (!elsewhere) intake.closeHoles(before);
  intake.gap({ fromSeq: -1, toSeq: -1, fromMs: before.lastMs, toMs: firstMs, reason: 'not_running' }, before);
  // Once is enough: from now on this process is the newest.
  instance.firstLiveMs = -Infinity;
}
