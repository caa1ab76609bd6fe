// The ranges from which episodes are drawn, all of them here, so that a file can shift them. detection.md §8.3.
import type { Random } from '../random.ts';

export type Range = readonly [low: number, high: number];

export const ranges = {
  lead_s: [120, 300],
  fault_s: [180, 600],
  recovery_s: [60, 150],
  /** Time of a step's kernels at full clock, alone and in jobs of several nodes. */
  step_s: [0.12, 2.5],
  step_distributed_s: [0.25, 2.5],
  jitter: [0.01, 0.08],
  launch_gap: [0.01, 0.05],
  sm: [0.55, 0.85],
  dram: [0.2, 0.55],
  tensor: [0.1, 0.5],
  intensity: [0.72, 1],
  spin: [0.05, 0.15],
  /** By how much the loader could be faster than the GPU while all is well. */
  loader_slack: [1.25, 5],
  grey_loader_slack: [1.12, 1.3],
  /** Share of a loader's time that is waiting for data while all is well. */
  fetch_share: [0.05, 0.45],
  workers: [4, 16],
  few_workers: [1, 3],
  cores: [32, 128],
  batch_mb: [4, 200],
  /** By how much too slow storage, CPUs, workers are. */
  storage_deficit: [1.25, 4],
  cpu_deficit: [1.25, 3.5],
  workers_deficit: [1.25, 3.5],
  h2d_share: [0.35, 0.65],
  h2d_load: [0.7, 0.92],
  launch_bound_gap: [0.15, 0.6],
  launch_bound_sm: [0.1, 0.35],
  launch_bound_main: [0.95, 1],
  healthy_comm: [0.02, 0.15],
  exposed_comm: [0.3, 0.65],
  nvlink_load: [0.45, 0.85],
  ib_load: [0.6, 0.92],
  congestion: [0.25, 0.8],
  degraded_rate: [0.25, 0.5],
  straggler: [1.1, 2.2],
  slight_straggler: [1.06, 1.1],
  stage_imbalance: [1.1, 1.6],
  sequence_jitter: [0.2, 0.45],
  power_cap: [0.55, 0.85],
  thermal_clock: [0.4, 0.8],
  locked_clock: [0.4, 0.8],
  gemm_clock: [0.92, 0.98],
  checkpoint_every_s: [100, 300],
  checkpoint_s: [3, 40],
  epoch_gap_s: [2, 15],
  startup_s: [60, 400],
  serving_duty: [0.01, 0.2],
  notebook_burst_s: [1, 20],
  notebook_every_s: [300, 900],
} as const satisfies Record<string, Range>;

export type RangeName = keyof typeof ranges;
export type Ranges = Readonly<Record<RangeName, Range>>;

export class RangeError extends Error {
  override name = 'RangeError';
}

/** Some ranges replaced by those of a file: `{"step_s": [0.1, 5]}`. */
export function shiftRanges(shift: unknown): Ranges {
  if (typeof shift !== 'object' || shift === null || Array.isArray(shift)) {
    throw new RangeError('ranges are an object of [low, high] by name');
  }
  const shifted: Record<RangeName, Range> = { ...ranges };
  for (const [name, range] of Object.entries(shift)) {
    if (!isRangeName(name))
      throw new RangeError(`there is no range ${name}; there are: ${Object.keys(ranges).join(', ')}`);
    shifted[name] = checkedRange(name, range);
  }
  return shifted;
}

function isRangeName(name: string): name is RangeName {
  return Object.hasOwn(ranges, name);
}

function checkedRange(name: string, range: unknown): Range {
  const values: readonly unknown[] = Array.isArray(range) ? range : [];
  const [low, high] = values;
  if (values.length !== 2 || typeof low !== 'number' || typeof high !== 'number' || !(low >= 0 && low <= high)) {
    throw new RangeError(`${name} is not [low, high] with 0 <= low <= high`);
  }
  return [low, high];
}

export class Draw {
  readonly #random: Random;
  readonly #ranges: Ranges;

  constructor(random: Random, all: Ranges) {
    this.#random = random;
    this.#ranges = all;
  }

  of(name: RangeName): number {
    const [low, high] = this.#ranges[name];
    return this.#random.between(low, high);
  }

  whole(name: RangeName): number {
    return Math.round(this.of(name));
  }

  get random(): Random {
    return this.#random;
  }
}
