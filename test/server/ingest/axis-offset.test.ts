// How frames are placed on the server's clock: not at all while the clocks agree, by whole seconds otherwise, never to and fro.
import { expect, test } from 'vitest';
import { AxisOffset } from '../../../server/ingest/axis-offset.ts';

test('clocks that agree to a second are one, however late the frames are', () => {
  const offset = new AxisOffset();
  for (const delay of [5, 700, 20, 900, 3]) {
    offset.add(1_000_000, 1_000_000 + delay);
    expect(offset.ms).toBe(0);
  }
});

test('a clock that is off is corrected by whole seconds, and small changes are not followed', () => {
  const offset = new AxisOffset();
  offset.add(0, 3_600_020);
  expect(offset.ms).toBe(3_600_000);
  for (let at = 0; at < 60; at++) offset.add(0, 3_600_600 + at);
  expect(offset.ms).toBe(3_600_000);
  for (let at = 0; at < 60; at++) offset.add(0, 3_601_400);
  expect(offset.ms).toBe(3_601_000);
});

test('an agent that is ahead', () => {
  const offset = new AxisOffset();
  offset.add(7_200_000, 30);
  expect(offset.ms).toBe(-7_200_000);
});
