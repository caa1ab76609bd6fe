// A training job as it runs when nothing is wrong: a loader that keeps up, drawn from the ranges.
import type { Machine } from './machine.ts';
import type { Pause, RankParameters, Span } from './parameters.ts';
import type { Draw, RangeName } from './ranges.ts';

export interface WellOptions {
  readonly distributed: boolean;
  readonly slack?: RangeName;
  readonly workers?: number;
  readonly memoryBound?: boolean;
}

/** The loader's workers are drawn first: the CPU time of a batch follows from how much slack they have. */
export function drawWell(draw: Draw, machine: Machine, options: WellOptions): RankParameters {
  const computeS = draw.of(options.distributed ? 'step_distributed_s' : 'step_s');
  const share = draw.of('healthy_comm');
  const exposedS = machine.nodes * machine.gpusPerNode > 1 ? (computeS * share) / (1 - share) : 0;
  const stepS = computeS + exposedS;
  const workers = options.workers ?? draw.whole('workers');
  const slack = draw.of(options.slack ?? 'loader_slack');
  const batchS = (workers * stepS) / slack;
  // What the host's CPUs can carry without a queue.
  const mostPrepS = (0.55 * machine.cores * stepS) / machine.gpusPerNode;
  const fetchS = batchS * draw.of('fetch_share');
  const batchBytes = draw.of('batch_mb') * 1e6 * Math.min(1, stepS);
  const memoryBound = options.memoryBound ?? false;
  const sent = exposedS * draw.random.between(0.2, 0.5);
  return {
    computeS,
    jitter: draw.of('jitter'),
    gapShare: draw.of('launch_gap'),
    sm: draw.of('sm'),
    dram: memoryBound ? draw.random.between(0.72, 0.9) : draw.of('dram'),
    tensor: memoryBound ? 0.05 : draw.of('tensor'),
    clock: 1,
    copyS: 0,
    copyBps: 0,
    batchBytes,
    fetchS,
    storageBps: ((machine.gpusPerNode * batchBytes) / stepS) * draw.random.between(2.5, 8),
    prepS: Math.min(batchS - fetchS, mostPrepS),
    workers,
    cores: machine.cores,
    exposedS,
    nvlinkBytes: machine.gpusPerNode > 1 ? sent * machine.gpu.nvlinkBps * 0.5 : 0,
    ibBytes: machine.nodes > 1 ? (sent * machine.rails * 12e9) / machine.gpusPerNode : 0,
    mainShare: draw.random.between(0.2, 0.65),
    loadsInMainThread: false,
  };
}

/** Checkpoints and gaps between epochs, the same for all. */
export function drawPauses(draw: Draw, durationS: number): readonly Pause[] {
  const pauses: Pause[] = [];
  const everyS = draw.of('checkpoint_every_s');
  const others = draw.random.chance(0.5) ? 'spin' : 'rest';
  for (let atS = everyS * draw.random.between(0.4, 1); atS < durationS; atS += everyS) {
    pauses.push({ kind: 'checkpoint', others, ...span(atS, draw.of('checkpoint_s')) });
  }
  const epochS = draw.random.between(120, 300);
  for (let atS = epochS * draw.random.between(0.4, 1); atS < durationS; atS += epochS) {
    pauses.push({
      kind: draw.random.chance(0.5) ? 'gap' : 'eval',
      others: 'rest',
      ...span(atS, draw.of('epoch_gap_s')),
    });
  }
  return pauses;
}

function span(fromS: number, lengthS: number): Span {
  return { fromS, toS: fromS + lengthS };
}
