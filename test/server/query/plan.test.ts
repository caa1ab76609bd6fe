// Which resolution answers: never more points than a screen has, never one that is not kept.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_POINTS, planQuery } from '../../../server/query/plan.ts';

const HOUR = 3_600_000;
const NOW = 1_700_000_000_000;
const plan = (hours: number, stepMs?: number) =>
  planQuery({ fromMs: NOW - hours * HOUR, toMs: NOW, stepMs }, NOW - 6 * HOUR);

describe('the resolution', () => {
  test.each([
    [1, { resolution: 'raw', stepMs: 2000 }],
    [0.1, { resolution: 'raw', stepMs: 1000 }],
    [3, { resolution: 'minute', stepMs: 60_000 }],
    [24, { resolution: 'minute', stepMs: 60_000 }],
    [24 * 7, { resolution: 'minute', stepMs: 360_000 }],
    [24 * 30, { resolution: 'hour', stepMs: HOUR }],
    [24 * 400, { resolution: 'hour', stepMs: 5 * HOUR }],
  ] as const)('of the last %d hours', (hours, expected) => {
    expect(plan(hours)).toEqual(expected);
  });

  test('of a time that is no longer kept as received', () => {
    expect(
      planQuery({ fromMs: NOW - 9 * HOUR, toMs: NOW - 8 * HOUR, stepMs: undefined }, NOW - 6 * HOUR).resolution,
    ).toBe('minute');
    expect(planQuery({ fromMs: NOW - HOUR, toMs: NOW, stepMs: undefined }, undefined).resolution).toBe('minute');
  });

  test('every reading, if it is asked for', () => {
    expect(plan(30, 0)).toEqual({ resolution: 'raw', stepMs: 0 });
  });

  test('never gives more points than a screen has', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 500 * 24 * HOUR }),
        fc.option(fc.integer({ min: 1, max: HOUR })),
        (widthMs, step) => {
          const { stepMs } = planQuery({ fromMs: NOW - widthMs, toMs: NOW, stepMs: step ?? undefined }, NOW - 6 * HOUR);
          expect(widthMs / stepMs).toBeLessThanOrEqual(MAX_POINTS);
        },
      ),
    );
  });
});
