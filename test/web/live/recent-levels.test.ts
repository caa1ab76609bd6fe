// Rates of counters that are read every five seconds.
import { expect, test } from 'vitest';
import { RecentLevels } from '../../../web/live/recent-levels.ts';

/** A message a second, whose counter moves every fifth. */
function play(levels: readonly number[], states: readonly number[] = []): RecentLevels {
  const recent = new RecentLevels();
  for (const [second, level] of levels.entries())
    recent.add({
      timeMs: 1000 * second,
      levels: Float64Array.of(level),
      states: Uint8Array.of(states[second] ?? 0),
    });
  return recent;
}
const stepped = (seconds: number): readonly number[] =>
  Array.from({ length: seconds }, (_, second) => 100 * Math.floor(second / 5));

test('whenever one looks, the rate is the same', () => {
  for (let seconds = 11; seconds < 17; seconds++) expect(play(stepped(seconds)).rate(0)).toBe(20);
});

test('before five seconds nothing is known', () => {
  expect(play(stepped(5)).rate(0)).toBeNaN();
  expect(play(stepped(6)).rate(0)).toBe(20);
});

test('a reset and a reading that is missing at either end tell nothing', () => {
  expect(play([500, 500, 600, 600, 600, 600, 600, 700, 700, 700, 700, 0]).rate(0)).toBeNaN();
  expect(play(stepped(11), [1]).rate(0)).toBeNaN();
  expect(play(stepped(11), [...Array<number>(10).fill(0), 3]).rate(0)).toBeNaN();
});

test('a message that is told twice counts once, and the old is forgotten', () => {
  const recent = play(stepped(11));
  recent.add({ timeMs: 10_000, levels: Float64Array.of(9999), states: Uint8Array.of(0) });
  expect(recent.rate(0)).toBe(20);
  recent.add({ timeMs: 60_000, levels: Float64Array.of(200), states: Uint8Array.of(0) });
  expect(recent.rate(0)).toBe(0);
});
