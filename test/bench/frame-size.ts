// Bytes of a busy sample of 720 values beside the same sample as JSON: 8 GPUs × 45, 8 ports × 25, 8 drives × 12, 64 of the host.
import { FrameEncoder } from '#agent/contract';

const groups = [
  { name: 'gpu', devices: 8, values: 45 },
  { name: 'infiniband', devices: 8, values: 25 },
  { name: 'disk', devices: 8, values: 12 },
  { name: 'host', devices: 1, values: 64 },
];
/** 220 of 720 change every second on a busy node. */
const CHANGING_SHARE = 0.31;
const SAMPLES = 300;

export interface FrameSize {
  readonly frameBytes: number;
  readonly jsonBytes: number;
  readonly encodeMicroseconds: number;
}

export function measureFrameSize(): FrameSize {
  const names = groups.flatMap(({ name, devices, values }) =>
    Array.from({ length: devices * values }, (_, at) => ({
      group: name,
      device: Math.floor(at / values),
      at: at % values,
    })),
  );
  const random = generator(7);
  const series = names.map((_, index) => ({ steps: 10 ** (3 + (index % 9)), state: 0 }));
  const encoder = new FrameEncoder();
  encoder.key({ seq: 0, generation: 1, timeMs: Date.now() }, series);
  let [frameBytes, jsonBytes, encodeMs] = [0, 0, 0];
  for (let seq = 1; seq <= SAMPLES; seq++) {
    for (const one of series) {
      // Many small steps, few large ones, as counters and levels have them.
      if (random() < CHANGING_SHARE) one.steps += Math.ceil(random() ** 4 * 2e6);
    }
    const startMs = performance.now();
    frameBytes += encoder.delta({ seq, generation: 1, timeMs: Date.now() }, series).length;
    encodeMs += performance.now() - startMs;
    jsonBytes += JSON.stringify(asObject(names, series)).length;
  }
  return {
    frameBytes: frameBytes / SAMPLES,
    jsonBytes: jsonBytes / SAMPLES,
    encodeMicroseconds: (encodeMs / SAMPLES) * 1000,
  };
}

interface Name {
  readonly group: string;
  readonly device: number;
  readonly at: number;
}

/** One object per device, one key per value, as one would write it down without thinking. */
function asObject(names: readonly Name[], series: readonly { readonly steps: number }[]): unknown {
  const found: Record<string, Record<string, Record<string, number>>> = {};
  for (const [index, { group, device, at }] of names.entries()) {
    const devices = (found[group] ??= {});
    const values = (devices[`${group}${device}`] ??= {});
    values[`value_${at}`] = series[index]?.steps ?? 0;
  }
  return found;
}

/** Numerical Recipes' generator: the same numbers in every run. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}
