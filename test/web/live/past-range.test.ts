// The charts of a past range: catalogue order, broken where nothing was read, lost readings in words.
import { expect, test } from 'vitest';
import type { NodeChartsAnswer } from '#server/contract';
import { gapText } from '../../../web/format/gaps.ts';
import { rangeOf } from '../../../web/live/past-range.ts';

const answer: NodeChartsAnswer = {
  schema_version: 1,
  node: 'n',
  from_ms: 0,
  to_ms: 600_000,
  resolution: 'minute',
  step_ms: 60_000,
  engine: 'history',
  since_ms: 0,
  times_ms: [60_000, 120_000, 420_000],
  charts: [
    {
      id: 'disk_latency',
      title: '',
      unit: 'seconds',
      lines: [{ name: 'd', mean: [1, null, 3], min: null, max: null }],
    },
    {
      id: 'gpu_power',
      title: '',
      unit: 'watts',
      lines: [{ name: 'GPU 0', mean: [1, 2, 3], min: [0, 1, 2], max: [2, 3, 4] }],
    },
    { id: 'of a newer server', title: '', unit: 'watts', lines: [] },
  ],
  gaps: [],
};

test('charts come in the order of the page, those it does not know are left out', () => {
  expect(rangeOf(answer).charts.map(({ spec }) => spec.id)).toEqual(['gpu_power', 'disk_latency']);
});

test('a line breaks where steps are missing and where there is no value', () => {
  const [power, latency] = rangeOf(answer).charts;
  expect(power?.lines[0]).toEqual({
    line: { name: 'GPU 0' },
    points: [
      { x: 60_000, y: 1 },
      { x: 120_000, y: 2 },
      { x: 419_999, y: NaN },
      { x: 420_000, y: 3 },
    ],
    low: expect.arrayContaining([{ x: 420_000, y: 2 }]) as unknown,
    high: expect.arrayContaining([{ x: 420_000, y: 4 }]) as unknown,
  });
  expect(latency?.lines[0]?.points[1]).toEqual({ x: 120_000, y: NaN });
  expect(latency?.lines[0]).not.toHaveProperty('low');
});

test('what is lost is told with how much and why', () => {
  const gap = { node: 'n', from_ms: 0, to_ms: 300_000, readings: 0, reason: 'not_running' } as const;
  expect(gapText(gap)).toBe('5 min, the agent did not run');
  expect(gapText({ ...gap, readings: 300, reason: 'cap' })).toBe(
    '300 readings over 5 min, the agent had no more room for them',
  );
});
