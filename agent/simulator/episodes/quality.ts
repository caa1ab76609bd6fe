// What goes wrong with the readings themselves: seconds that are lost, signals that a node cannot give. detection.md §8.3.
import type { GpuSignals, NodeSecond } from '#agent/contract';
import type { Random } from '../random.ts';

export interface Quality {
  /** Share of the seconds that never arrive. */
  readonly dropped: number;
  /** One silence of so many seconds. */
  readonly gapS: number;
  /** By how much the node's clock is off. */
  readonly skewS: number;
  /** No profiling counters: the usual case on V100. */
  readonly profiling: boolean;
  /** Processes and their workers are seen. */
  readonly processes: boolean;
  readonly infiniband: boolean;
}

export const wholeQuality: Quality = {
  ...{ dropped: 0, gapS: 0, skewS: 0 },
  ...{ profiling: true, processes: true, infiniband: true },
};

const noProfiling = { sm: NaN, dram: NaN, tensor: NaN } as const;
const noProcesses = {
  ...{ processes: NaN, mainThread: NaN, workers: NaN, workersRunning: NaN, workersWaiting: NaN, workersBlocked: NaN },
} as const;

export function applyQuality(
  seconds: readonly NodeSecond[],
  partial: Partial<Quality>,
  random: Random,
): readonly NodeSecond[] {
  const quality = { ...wholeQuality, ...partial };
  const gapFrom = random.between(0, seconds.length);
  const gapped = (second: number): boolean => second >= gapFrom && second < gapFrom + quality.gapS;
  return seconds.flatMap((second, at) => {
    const lost = gapped(at) || random.next() < quality.dropped;
    return lost ? [] : [{ ...hide(second, quality), timeMs: second.timeMs + quality.skewS * 1000 }];
  });
}

function hide({ timeMs, node, gpus }: NodeSecond, { profiling, processes, infiniband }: Quality): NodeSecond {
  if (profiling && processes && infiniband) return { timeMs, node, gpus };
  const cut = (gpu: GpuSignals | undefined): GpuSignals | undefined =>
    gpu && { ...gpu, ...(!profiling && noProfiling), ...(!processes && noProcesses) };
  return { timeMs, node: infiniband ? node : { ...node, rails: [] }, gpus: gpus.map(cut) };
}
