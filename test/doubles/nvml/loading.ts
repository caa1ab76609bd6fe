// Stand-in libraries for one test each, loaded into the test's own process, live or with a clock that stands still.
import type { NvmlGpu } from '../../../agent/simulator/render/nvml-layout.ts';
import type { NvmlStateOptions } from '../../../agent/simulator/render/nvml-state.ts';
import { NvmlClient } from './client.ts';
import { NvmlDouble, type NvmlDoubleOptions } from './double.ts';

const SECOND = 1_000_000_000n;
/** Where a frozen wall clock begins. */
export const FROZEN_WALL_US = 2_000_000_000_000n;

const doubles: NvmlDouble[] = [];

export interface Loaded {
  readonly double: NvmlDouble;
  readonly nvml: NvmlClient;
}

export function load(gpus: readonly NvmlGpu[], options: NvmlDoubleOptions = {}): Loaded {
  const double = new NvmlDouble(gpus, options);
  doubles.push(double);
  return { double, nvml: new NvmlClient(double.library) };
}

/** Time stands still until `pass`. */
export function loadFrozen(
  gpus: readonly NvmlGpu[],
  options: NvmlStateOptions = {},
): Loaded & { readonly pass: (seconds: number) => void } {
  let nowNs = 1000n * SECOND;
  const wallMs = (): number => Number(FROZEN_WALL_US / 1000n);
  const loaded = load(gpus, { ...options, frozen: true, nowNs: () => nowNs, wallMs });
  return {
    ...loaded,
    pass: (seconds) => {
      nowNs += BigInt(seconds * 1000) * 1_000_000n;
      loaded.double.state.tick();
    },
  };
}

/** After each test. */
export function removeDoubles(): void {
  for (const double of doubles.splice(0)) double.remove();
}
