// What DCGM's profiling counters say of a GPU: how much of the busy time is work, and on which units. Fields 1001-1008.
import { exposedCommOf, type Pace } from './pace.ts';
import { noiseAt } from './random.ts';

/** Shares of the last second. */
export interface Profiling {
  readonly graphicsEngineActive: number;
  readonly smActive: number;
  readonly smOccupancy: number;
  readonly tensorActive: number;
  readonly dramActive: number;
  readonly fp64Active: number;
  readonly fp32Active: number;
  readonly fp16Active: number;
}

export const noWork: Profiling = {
  graphicsEngineActive: 0,
  smActive: 0,
  smOccupancy: 0,
  tensorActive: 0,
  dramActive: 0,
  fp64Active: 0,
  fp32Active: 0,
  fp16Active: 0,
};

/** A collective that waits keeps the engine busy with a few blocks, on about every tenth SM. */
const SPINNING_SMS = 0.1;
/** Two warps of 64 on each of them. */
const SPINNING_OCCUPANCY = 0.03;
const MIXED_PRECISION = 0.6;

export function profilingOf(pace: Pace | undefined, busy: number, memoryActive: number): Profiling {
  if (!pace || busy === 0) return noWork;
  const { intensity } = pace.job.needs;
  const exposedComm = exposedCommOf(pace);
  const working = busy * (1 - exposedComm);
  const spinning = busy * exposedComm;
  const dense = Math.min(1, intensity);
  const trait = (number: number): number => noiseAt(pace.job.stream, 7000 + number);
  const mixed = trait(0) < MIXED_PRECISION;
  const smActive = working * (0.55 + 0.4 * dense) + spinning * SPINNING_SMS;
  return {
    graphicsEngineActive: busy,
    smActive,
    smOccupancy: working * (0.2 + 0.35 * trait(1)) * (0.55 + 0.4 * dense) + spinning * SPINNING_OCCUPANCY,
    tensorActive: mixed ? working * dense * (0.15 + 0.35 * trait(2)) : 0,
    dramActive: Math.min(memoryActive * 0.85, 0.95),
    fp64Active: 0,
    fp32Active: working * dense * (mixed ? 0.12 : 0.5) * (0.7 + 0.6 * trait(3)),
    fp16Active: mixed ? working * dense * 0.06 * (0.7 + 0.6 * trait(4)) : 0,
  };
}
