// Situations, what each must be called, and what it must not be taken for. The bench has the figures.
import { describe, expect, it } from 'vitest';
import { makeEpisode, scenarioNames, type Quality } from '#agent/simulator';
import { judgeEpisode } from '../../../server/diagnosis/judge-episode.ts';
import { foundAs } from '../../../server/bench/score.ts';

const judged = (scenario: string, seed: number, quality: Partial<Quality> = {}) => {
  const { truth, ...input } = makeEpisode({ scenario, seed, quality });
  return { truth, verdict: judgeEpisode(input) };
};

describe.each(scenarioNames)('%s', (scenario) => {
  it.each([
    ['all signals', {}],
    ['no profiling counters', { profiling: false }],
  ])('%s: at most one of four is misnamed', (_, quality) => {
    const wrong = [71, 72, 73, 74].flatMap((seed) => {
      const { truth, verdict } = judged(scenario, seed, quality);
      return foundAs(truth, verdict.cause) === truth.cause
        ? []
        : [`${seed}: ${truth.cause} taken for ${verdict.cause}`];
    });
    expect(wrong.slice(1)).toEqual([]);
  });

  it('without sight of processes names no other cause', () => {
    const { truth, verdict } = judged(scenario, 75, { processes: false });
    const found = foundAs(truth, verdict.cause);
    expect([truth.cause, 'unknown', 'none', ...(truth.cause === 'held.no_process' ? ['free'] : [])]).toContain(found);
  });

  it('books every slot whole', () => {
    const { verdict } = judged(scenario, 76, { dropped: 0.2, gapS: 25 });
    for (const { shares } of verdict.slots) expect(shares.reduce((sum, { ms }) => sum + ms, 0)).toBe(10_000);
    for (const { ms } of verdict.slots.flatMap(({ shares }) => shares))
      expect(Number.isInteger(ms) && ms > 0).toBe(true);
  });
});

describe('robustness', () => {
  it.each(['storage', 'nvlink', 'thermal', 'straggler_unknown'])('%s with lost seconds', (scenario) => {
    const { truth, verdict } = judged(scenario, 81, { dropped: 0.05 });
    expect(foundAs(truth, verdict.cause)).toBe(truth.cause);
  });

  it('names the slow node', () => {
    const { truth, verdict } = judged('straggler_thermal', 85);
    expect(truth.cause).toBe('straggler');
    expect(verdict.culprit?.cause).toBe('thermal');
    expect(verdict.owner).toBe('hardware');
  });
});
