// Scales and steps of the heatmap.
import { expect, test } from 'vitest';
import { CELL_BYTES, writeCell } from '#server/contract';
import { fillStepOf, scaleOf, stepOf } from '../../../web/parts/heatmap-modes.ts';

function cellsOf(watts: readonly (number | null)[]): Uint8Array {
  const cells = new Uint8Array(watts.length * CELL_BYTES);
  for (const [gpu, powerWatts] of watts.entries())
    writeCell(cells, gpu, {
      class: 0,
      busyPercent: null,
      powerWatts,
      temperatureCelsius: null,
      memoryPercent: null,
      changed: false,
      alert: false,
    });
  return cells;
}

test('the power scale follows the fleet and leaves out those who do not tell', () => {
  expect(scaleOf('power', cellsOf([42, null, 297]))).toEqual({ from: 0, to: 300 });
  expect(scaleOf('power', cellsOf([42, 690]))).toEqual({ from: 0, to: 700 });
  expect(scaleOf('power', cellsOf([null]))).toEqual({ from: 0, to: 75 });
});

test('nine steps, and both ends stay inside', () => {
  expect([-5, 0, 50, 100, 130].map((value) => stepOf(value, { from: 0, to: 100 }))).toEqual([0, 0, 4, 8, 8]);
});

test('five steps of fill', () => {
  expect([null, 0, 19, 20, 79, 80, 100].map(fillStepOf)).toEqual([0, 0, 0, 1, 3, 4, 4]);
});
