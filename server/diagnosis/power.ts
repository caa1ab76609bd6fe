// The draw of a GPU as a measure of its work, where nothing counts its multiprocessors. Pure. detection.md §3.
import type { GpuFacts, GpuSignals } from '#agent/contract';

/** Draw under load grows a little faster than the clock. */
const POWER_BY_CLOCK = 1.6;

/**
 * 0 with a loaded context and no work, 1 at the limit and the full clock. The draw falls with the clock, the time in kernels does
 * not: it is counted as if the clock were full.
 */
export function powerActivity({ powerW, clockHz }: GpuSignals, facts: GpuFacts, contextW: number): number {
  if (powerW > 3 * facts.powerDefaultW) return NaN;
  const drawn = Math.max(0, (powerW - contextW) / (facts.powerDefaultW - contextW));
  const clock = clockHz / facts.clockMaxHz;
  return drawn / (clock < 1 ? Math.max(0.3, clock) ** POWER_BY_CLOCK : 1);
}
