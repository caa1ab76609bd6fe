import { describe, expect, it } from 'vitest';
import { makeEpisode, scenarioNames } from '#agent/simulator';
import { causes, isCause, type Cause } from '#server/contract';
import { benchDetect } from '../../../server/bench/detect.ts';
import { score, type Scored } from '../../../server/bench/score.ts';
import type { JudgedEpisode } from '../../../server/diagnosis/judged-episode.ts';

/** A judge that says this whatever it sees. */
const says = (cause: Cause): JudgedEpisode => ({
  ...{ cause, owner: causes[cause].owner, confidence: 'high', onsetS: 0, endS: 0, predictedSpeedup: 1 },
  ...{ slots: [], lostGpuSeconds: 0 },
});

const truths = scenarioNames.map((scenario) => ({ scenario, truth: makeEpisode({ scenario, seed: 9 }).truth }));
const scored = (judge: (truth: string) => Cause): readonly Scored[] =>
  truths.map(({ scenario, truth }) => ({ scenario, truth, judged: says(judge(truth.cause)) }));

describe('score', () => {
  it('is 1 for who is always right', () => {
    const scores = score(scored((truth) => (isCause(truth) ? truth : 'none')));
    expect(scores.macro_f1).toBe(1);
    expect(scores.calibration.high?.right).toBe(1);
  });

  it('is low for who always says the same', () => {
    const scores = score(scored(() => 'thermal'));
    expect(scores.macro_f1).toBeLessThan(0.1);
    expect(scores.per_class['thermal']?.recall).toBe(1);
    expect(scores.owner_accuracy).toBeLessThan(0.5);
  });

  it('does not ask for the owner of what is not named', () => {
    expect(score(scored(() => 'unknown')).owner_accuracy).toBe(1);
  });
});

it('reports what DESIGN section 3 names', () => {
  const report = benchDetect({ seed: 3, episodes: scenarioNames.length, signals: 'full', ranges: undefined });
  expect(report).toMatchObject({ schema_version: 1, seed: 3, signals: 'full', episodes: scenarioNames.length });
  expect(report.macro_f1).toBeGreaterThan(0.9);
  expect(report.false_alarms.critical).toBe(0);
  expect(Object.keys(report)).toEqual(
    expect.arrayContaining(['per_class', 'owner_accuracy', 'time_to_label_s', 'lost_seconds_error', 'calibration']),
  );
});
