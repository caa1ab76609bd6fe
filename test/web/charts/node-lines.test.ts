// Which line of a chart stands out, and when lines become a band.
import { describe, expect, test } from 'vitest';
import { nodeCharts } from '#server/contract';
import { drawLines, findOutstanding, valueAt } from '../../../web/charts/node-lines.ts';
import type { ChartPoints } from '../../../web/live/chart-store.ts';

const colours = { standsOut: 'black', peers: 'grey', band: 'pale' };

function chartOf(id: string, columns: readonly (readonly number[])[]): ChartPoints {
  const spec = nodeCharts.find((one) => one.id === id);
  if (!spec) throw new Error(`no chart ${id}`);
  return {
    spec,
    lines: columns.map((values, at) => ({
      line: { name: `d${at}`, source: 'value', above: [at], below: [], instead: [], by: undefined },
      points: values.map((y, x) => ({ x, y })),
    })),
  };
}

describe('the line to look at', () => {
  test('is the highest, for busy GPUs the lowest, and never one without a value', () => {
    expect(findOutstanding(chartOf('disk_queue', [[1], [7], [NaN], [3]]))).toBe(1);
    expect(findOutstanding(chartOf('gpu_busy', [[0.9], [NaN], [0.1]]))).toBe(2);
    expect(findOutstanding(chartOf('disk_queue', [[NaN]]))).toBe(-1);
  });

  test('is drawn last and dark', () => {
    const lines = drawLines(
      chartOf('disk_queue', [
        [1, 9],
        [2, 3],
      ]),
      colours,
    );
    expect(lines.map(({ colour }) => colour)).toEqual(['grey', 'black']);
    expect(lines.at(-1)?.points.at(-1)?.y).toBe(9);
  });
});

test('more than eight lines become a band from lowest to highest, and a gap stays a gap', () => {
  const columns = Array.from({ length: 9 }, (_, at) => [at, NaN, 10 + at]);
  const [low, high, dark] = drawLines(chartOf('disk_queue', columns), colours);
  expect(low?.points.map(({ y }) => y)).toEqual([0, NaN, 10]);
  expect(high?.points.map(({ y }) => y)).toEqual([8, NaN, 18]);
  expect(high).toMatchObject({ fill: 'before', fillColour: 'pale' });
  expect(dark?.colour).toBe('black');
});

test('a value is that of the last point up to a time', () => {
  const points = [10, 20, 30].map((x) => ({ x, y: x * 2 }));
  expect([5, 10, 29, 30, Infinity].map((at) => valueAt(points, at))).toEqual([NaN, 20, 40, 60, 60]);
});
