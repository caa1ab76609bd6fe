// One rule: what it needs to be judged at all, and what it finds in the features of one GPU over a window. detection.md §4.
import type { Cause, Confidence } from '#server/contract';
import type { Features } from '../features.ts';
import type { Evidence, Finding } from '../verdict.ts';

export type Need =
  | 'busy'
  | 'activity'
  | 'profiling'
  | 'workers'
  | 'main_thread'
  | 'processes'
  | 'copies'
  | 'nvlink'
  | 'infiniband'
  | 'clock'
  | 'throttle'
  | 'storage'
  | 'pressure'
  | 'pcie_link'
  | 'job';

export interface Rule {
  readonly cause: Cause;
  /** Without one of these nobody can say. */
  readonly needs: readonly Need[];
  readonly find: (features: Features) => Finding | undefined;
}

/** A cause that costs less is not named: jitter costs as much. */
export const WORTH_NAMING = 0.12;

/** Data to the GPU waits: what the job would do without, less what it does. */
export function lossOf({ effective }: Features): number {
  return 1 - effective;
}

/** Only a learned reference makes a loss certain; only profiling tells work from spinning. */
export function confidenceOf({ reference, profiled }: Features, best: Confidence = 'high'): Confidence {
  if (reference.kind === 'assumed') return best === 'low' ? 'low' : 'medium';
  return profiled || best !== 'high' ? best : 'high';
}

/** Evidence with a figure that is not known is none. */
export function evidence(...all: readonly Evidence[]): readonly Evidence[] {
  return all.filter(({ value }) => !Number.isNaN(value));
}

export function figure(signal: string, value: number, against?: Evidence['against']): Evidence {
  return against && !Number.isNaN(against.value) ? { signal, value, against } : { signal, value };
}
