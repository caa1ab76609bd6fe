// Colour and thickness of links.
import { describe, expect, test } from 'vitest';
import { loadOf, stepOf, thicknessOf } from '../../../../web/parts/fabric/scale.ts';
import { end, link } from './small-fabric.ts';

const between = (near: Parameters<typeof end>[2], far: Parameters<typeof end>[2]) =>
  link('uplink', [end('leaf1', 1, near), end('spine1', 1, far)]);

test('the busier direction counts', () => {
  expect(loadOf(between({ utilization_ratio: 0.2 }, { utilization_ratio: 0.9 }), 'utilisation')).toBe(0.9);
  expect(loadOf(between({ congestion_ratio: 0.3 }, { congestion_ratio: 0 }), 'congestion')).toBe(0.3);
});

test('one end that is read is enough; without any there is no colour', () => {
  expect(loadOf(between({ utilization_ratio: null }, { utilization_ratio: 0.5 }), 'utilisation')).toBe(0.5);
  expect(stepOf(between({ utilization_ratio: null }, { utilization_ratio: null }), 'utilisation')).toBeNull();
});

describe('steps', () => {
  test.each([
    [0, 0],
    [0.099, 0],
    [0.1, 1],
    [0.45, 4],
    [0.9, 8],
    [1, 8],
  ])('utilisation %d is step %d', (utilization_ratio, step) => {
    expect(stepOf(between({ utilization_ratio }, {}), 'utilisation')).toBe(step);
  });

  test.each([
    [0, 0],
    [0.049, 3],
    [0.05, 4],
    [0.2, 6],
    [0.64, 8],
  ])('congestion %d is step %d', (congestion_ratio, step) => {
    expect(stepOf(between({ congestion_ratio }, {}), 'congestion')).toBe(step);
  });

  test('where a range is known, the least that is lost counts', () => {
    expect(stepOf(between({ congestion_ratio: 0.01, congestion_ratio_upper: 0.9 }, {}), 'congestion')).toBe(2);
  });
});

test('more lanes are thicker; an unknown width is thinnest', () => {
  const widths = ['?X ?', '1X EDR', '2X HDR', '4X EDR', '12X EDR'].map((speed) => thicknessOf({ speed }));
  expect(widths).toEqual(widths.toSorted((a, b) => a - b));
  expect(new Set(widths).size).toBe(5);
});
