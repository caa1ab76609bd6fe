// What the page gathers of the fleet since it was opened.
import { expect, test } from 'vitest';
import type { FleetSummary } from '#server/contract';
import { Trend, trendSegments } from '../../../web/live/trend.ts';

const summary = (time_ms: number, classes: FleetSummary['classes']) => ({ time_ms, classes }) as FleetSummary; // all that a trend reads
const column = (trend: Trend, key: string) => trend.counts[trendSegments.findIndex((one) => one.key === key)];

test('classes are counted in their segment, productive and free ones in none', () => {
  const trend = new Trend();
  trend.add(
    summary(1000, { 'productive.compute': 9, 'starved.storage_local': 2, 'starved.storage': 1, 'free.no_demand': 4 }),
  );
  expect(column(trend, 'storage')).toEqual([3]);
  expect(trend.counts.flat().reduce((sum, count) => sum + count, 0)).toBe(3);
});

test('a silence is a gap, and an old tick is not taken twice', () => {
  const trend = new Trend();
  for (const time of [1000, 1000, 2000, 9000]) trend.add(summary(time, { 'held.idle': 1 }));
  expect(trend.times).toEqual([1000, 2000, 2001, 9000]);
  expect(column(trend, 'held')).toEqual([1, 1, NaN, 1]);
});

test('twenty minutes are kept', () => {
  const trend = new Trend();
  for (let at = 1; at <= 1500; at++) trend.add(summary(at * 1000, {}));
  expect(trend.times).toHaveLength(1200);
  expect(column(trend, 'held')).toHaveLength(1200);
});
