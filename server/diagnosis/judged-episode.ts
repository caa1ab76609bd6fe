// A recorded or simulated stretch of time, and what the judge makes of it. Truth is not in it.
import type { JobFacts, NodeFacts, NodeSecond } from '#agent/contract';
import type { Cause, Confidence, LeafClass, Owner } from '#server/contract';
import type { Share } from './split.ts';
import type { Culprit } from './verdict.ts';

export interface EpisodeInput {
  readonly nodes: readonly NodeFacts[];
  /** undefined where no scheduler tells. */
  readonly jobs: readonly JobFacts[] | undefined;
  /** By node, in the order of `nodes`; a second that is missing is not there. */
  readonly seconds: readonly (readonly NodeSecond[])[];
}

export interface JudgedSlot {
  readonly tS: number;
  readonly node: string;
  readonly gpu: string;
  readonly cause: Cause;
  readonly class: LeafClass;
  readonly owner: Owner;
  readonly confidence: Confidence;
  readonly effective: number;
  readonly shares: readonly Share[];
  /** The label that was shown when the slot ended. */
  readonly live: Cause;
}

export interface JudgedEpisode {
  readonly cause: Cause;
  readonly owner: Owner;
  readonly confidence: Confidence;
  /** NaN where nothing was found. */
  readonly onsetS: number;
  readonly endS: number;
  /** Factor by which the job would run faster without the cause; 1 where nothing is lost. */
  readonly predictedSpeedup: number;
  readonly culprit?: Culprit;
  readonly slots: readonly JudgedSlot[];
  readonly lostGpuSeconds: number;
}
