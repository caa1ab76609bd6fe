// GPUs that work, but less than they could: potential, never booked as waste. detection.md §4.4.
import type { Features } from '../features.ts';
import type { Finding } from '../verdict.ts';
import { confidenceOf, evidence, figure, type Rule } from './rule.ts';

export const useRules: readonly Rule[] = [
  { cause: 'launch_bound', needs: ['activity', 'main_thread'], find: findLaunchBound },
  { cause: 'small_batch', needs: ['profiling', 'main_thread'], find: findSmallBatch },
];

const ONE_THREAD = 0.84;

function findLaunchBound(features: Features): Finding | undefined {
  const { busy, mean, nvlink, infiniband, slack } = features;
  if (!(mean.mainThread >= ONE_THREAD) || !(busy > 0.1) || slack < 0.06) return undefined;
  if (!(density(features) < (features.profiled ? 0.45 : 0.42))) return undefined;
  if (nvlink >= 0.14 || (features.jobNodes > 1 && infiniband >= 0.22)) return undefined;
  return {
    cause: 'launch_bound',
    loss: 0,
    confidence: confidenceOf(features),
    evidence: evidence(
      figure('main_thread', mean.mainThread),
      figure('activity', features.activity),
      figure('busy', busy),
    ),
  };
}

function findSmallBatch(features: Features): Finding | undefined {
  const { busy, mean, facts, reference, communication, profiled } = features;
  if (!profiled || !(busy >= 0.8) || !(density(features) < 0.45) || !(mean.mainThread < ONE_THREAD)) return undefined;
  // Spinning looks the same: only where the job has never done more, or nothing is sent, is it the batch.
  if (!(mean.memoryUsedBytes < 0.5 * facts.memoryBytes) || (reference.kind === 'own' && communication > 0.12))
    return undefined;
  return {
    cause: 'small_batch',
    loss: 0,
    confidence: 'medium',
    evidence: evidence(
      figure('activity', features.activity),
      figure('busy', busy),
      figure('memory_used', mean.memoryUsedBytes, { kind: 'ceiling', value: facts.memoryBytes }),
    ),
  };
}

/** Work per time in kernels. */
function density({ activity, busy }: Features): number {
  return activity / busy;
}
