// The server's own time does not follow a wall clock that jumps.
import { afterEach, expect, test, vi } from 'vitest';
import { systemClock } from '../../server/clock.ts';

afterEach(() => {
  vi.useRealTimers();
});

test('a jump of the wall clock moves the wall clock alone', () => {
  vi.useFakeTimers({ now: 1_700_000_000_000 });
  const clock = systemClock();
  expect(clock.nowMs()).toBe(1_700_000_000_000);
  vi.advanceTimersByTime(1500);
  vi.setSystemTime(1_600_000_000_000);
  expect(clock.wallMs()).toBe(1_600_000_000_000);
  expect(clock.nowMs()).toBe(1_700_000_001_500);
  expect(Number.isInteger(clock.nowMs())).toBe(true);
});
