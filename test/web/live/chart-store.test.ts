// Charts cost nothing that they need not: nothing moves, nothing is parsed; history and live points join.
import { describe, expect, it, test } from 'vitest';
import type { NodeHistory, SchemaEntry } from '#server/contract';
import { configure } from '../../../web/charts/time-chart.ts';
import { ChartStore } from '../../../web/live/chart-store.ts';

test('a chart has no animation, no parsing, no events, no points, and shows gaps', () => {
  const { options } = configure({ grid: '#000' });
  expect(options).toMatchObject({
    animation: false,
    parsing: false,
    normalized: true,
    responsive: false,
    spanGaps: false,
    events: [],
    elements: { point: { radius: 0 } },
  });
});

describe('points', () => {
  const series: readonly SchemaEntry[] = [
    ['disk_read_bytes_total', ['nvme0n1']],
    ['disk_read_bytes_total', ['nvme1n1']],
    ['load1', []],
  ];
  const history = (times: number[], values: number[]): NodeHistory => ({
    node: 'n',
    generation: 1,
    times: bytes(Float64Array.from(times)),
    charts: [
      { id: 'gpu_busy', lines: 0 },
      { id: 'disk_read', lines: 2 },
    ],
    values: bytes(Float32Array.from(values)),
  });
  const view = (rates: readonly number[]) => ({ level: () => NaN, rate: (at: number) => rates[at] ?? NaN });
  const pointsOf = (store: ChartStore, line: number) => store.charts[0]?.lines[line]?.points;

  it('only charts with lines are there', () => {
    expect(new ChartStore(series).charts.map(({ spec }) => spec.id)).toEqual(['disk_read']);
  });

  it('history is taken column by column, live points follow, and a tick that is known already is not taken again', () => {
    const store = new ChartStore(series);
    store.fill(history([1000, 2000], [10, 11, 20, 21]));
    store.add(2000, view([99, 99]));
    store.add(3000, view([12, 22]));
    expect(pointsOf(store, 0)).toEqual([
      { x: 1000, y: 10 },
      { x: 2000, y: 11 },
      { x: 3000, y: 12 },
    ]);
    expect(pointsOf(store, 1)).toEqual([
      { x: 1000, y: 20 },
      { x: 2000, y: 21 },
      { x: 3000, y: 22 },
    ]);
  });

  it('a silence breaks the line', () => {
    const store = new ChartStore(series);
    store.add(1000, view([1, 1]));
    store.add(9000, view([2, 2]));
    expect(pointsOf(store, 0)).toEqual([
      { x: 1000, y: 1 },
      { x: 8999, y: NaN },
      { x: 9000, y: 2 },
    ]);
  });

  it('keeps ten minutes', () => {
    const store = new ChartStore(series);
    for (let at = 1; at <= 700; at++) store.add(at * 1000, view([at, at]));
    expect(pointsOf(store, 0)).toHaveLength(600);
    expect(pointsOf(store, 0)?.at(-1)).toEqual({ x: 700_000, y: 700 });
  });
});

function bytes(numbers: Float64Array | Float32Array): Uint8Array {
  return new Uint8Array(numbers.buffer);
}
