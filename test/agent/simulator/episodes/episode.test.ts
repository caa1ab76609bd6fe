import { describe, expect, it } from 'vitest';
import { makeEpisode } from '../../../../agent/simulator/episodes/episode.ts';
import { RangeError as ShiftError, shiftRanges } from '../../../../agent/simulator/episodes/ranges.ts';
import { scenarioNames, scenarios } from '../../../../agent/simulator/episodes/scenarios.ts';
import type { GpuSignals } from '../../../../agent/contract/signals.ts';

const shares: readonly (keyof GpuSignals)[] = ['busy', 'sm', 'dram', 'tensor', 'mainThread', 'throttlePower', 'fault'];

describe.each(scenarioNames)('%s', (scenario) => {
  const made = [3, 4].map((seed) => makeEpisode({ scenario, seed }));

  it('is the same for the same seed, and another for another', () => {
    expect(makeEpisode({ scenario, seed: 3 })).toEqual(made[0]);
    expect(made[0]?.seconds).not.toEqual(made[1]?.seconds);
  });

  it('shows shares as shares, and never more workers than there are', () => {
    for (const gpu of made.flatMap(({ seconds }) => seconds.flat().flatMap(({ gpus }) => gpus))) {
      if (!gpu) continue;
      for (const name of shares) expect(gpu[name] > 1.0001 || gpu[name] < 0, `${name} ${gpu[name]}`).toBe(false);
      const active = gpu.workersRunning + gpu.workersWaiting + gpu.workersBlocked;
      expect(active > gpu.workers * 1.5 + 1).toBe(false);
    }
  });

  it('is labelled by what removal gains', () => {
    for (const { truth } of made) {
      if (truth.cause === 'none' || scenarios[scenario]?.evident) continue;
      expect(truth.speedup).toBeGreaterThanOrEqual(1.15);
    }
  });
});

describe('signals that a node cannot give', () => {
  it.each([
    ['no profiling', { profiling: false }, ['sm', 'dram', 'tensor']],
    ['no processes', { processes: false }, ['processes', 'mainThread', 'workers', 'workersRunning']],
  ] as const)('%s', (_, quality, hidden) => {
    const [node = []] = makeEpisode({ scenario: 'storage', seed: 1, quality }).seconds;
    for (const name of hidden) expect(node.every(({ gpus }) => Number.isNaN(gpus[0]?.[name]))).toBe(true);
  });

  it('loses seconds', () => {
    const whole = makeEpisode({ scenario: 'storage', seed: 1 }).seconds[0]?.length ?? 0;
    const cut =
      makeEpisode({ scenario: 'storage', seed: 1, quality: { dropped: 0.05, gapS: 30 } }).seconds[0]?.length ?? 0;
    expect(whole - cut).toBeGreaterThan(30);
    expect(whole - cut).toBeLessThan(30 + whole * 0.1);
  });
});

describe('shifted ranges', () => {
  it('replace the usual ones', () => {
    expect(shiftRanges({ step_s: [3, 3] }).step_s).toEqual([3, 3]);
  });

  it.each([
    [{ steps: [1, 2] }, /no range steps; there are: lead_s/],
    [{ step_s: [2, 1] }, /step_s is not \[low, high\]/],
    [{ step_s: 'x' }, /step_s is not/],
    [[], /an object/],
  ])('%j is refused', (shift, message) => {
    expect(() => shiftRanges(shift)).toThrow(ShiftError);
    expect(() => shiftRanges(shift)).toThrow(message);
  });
});
