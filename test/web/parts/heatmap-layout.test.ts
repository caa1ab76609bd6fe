// Geometry of the heatmap: every GPU has its own place, and the place under a point is found again.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cellOf, hit, layOut, placeOf, step } from '../../../web/parts/heatmap-layout.ts';

const node = (name: string, gpus: number) => ({
  name,
  product: '',
  gpus: Array.from({ length: gpus }, (_, at) => ({ gpu: String(at), uuid: `${name}-${at}`, name: 'V100' })),
});
const fleet = [8, 16, 0, 4, 16, 8, 1].map((gpus, at) => node(`node${at}`, gpus));

test('the middle of every cell is a hit on its GPU', () => {
  fc.assert(
    fc.property(fc.integer({ min: 260, max: 3000 }), (width) => {
      const layout = layOut(fleet, width);
      let gpu = 0;
      for (const block of layout.blocks) {
        for (let at = 0; at < block.node.gpus.length; at++, gpu++) {
          const box = cellOf(layout, block, at);
          expect(hit(layout, box.x + box.width / 2, box.y + box.height / 2)).toMatchObject({ at, gpu });
          expect(box.x + box.width).toBeLessThanOrEqual(width + 0.001);
          expect(box.y + box.height).toBeLessThanOrEqual(layout.height + 0.001);
        }
      }
      expect(gpu).toBe(53);
    }),
  );
});

test('a head is its node, a place outside is nothing', () => {
  const layout = layOut(fleet, 1200);
  expect(hit(layout, 1, 1)).toMatchObject({ at: -1, gpu: -1, block: { node: { name: 'node0' } } });
  expect(hit(layout, -1, 30)).toBeUndefined();
  expect(hit(layout, 5000, 30)).toBeUndefined();
});

test('arrow keys stay on the map', () => {
  const layout = layOut(fleet, 1200);
  expect(step(layout, 0, 'ArrowLeft')).toBe(0);
  expect(step(layout, 0, 'ArrowRight')).toBe(1);
  expect(step(layout, 52, 'ArrowDown')).toBe(52);
  expect(step(layout, 20, 'Home')).toBe(0);
  expect(step(layout, 20, 'End')).toBe(52);
  expect(placeOf(layout, 8)).toMatchObject({ at: 0, block: { node: { name: 'node1' } } });
});

test('eight thousand GPUs still have cells', () => {
  const layout = layOut(
    Array.from({ length: 1000 }, (_, at) => node(`n${at}`, 8)),
    1400,
  );
  expect(layout.cellHeight).toBe(8);
  expect(layout.cellWidth).toBeGreaterThan(2);
});

test('groups are named on the left, keep the dense numbers, and arrow keys follow what is drawn', () => {
  const mixed = [
    { ...node('x', 8), product: 'A' },
    { ...node('login', 0), product: 'C' },
    { ...node('y', 8), product: 'B' },
    { ...node('z', 8), product: 'A' },
  ];
  const layout = layOut(mixed, 1400, { groupOf: ({ product }) => product });
  expect(layout.labels.map(({ title, gpus }) => [title, gpus])).toEqual([
    ['A', 16],
    ['B', 8],
  ]);
  expect(layout.blocks.map(({ firstGpu }) => firstGpu)).toEqual([0, 16, 8]);
  expect(Math.min(...layout.blocks.map(({ x }) => x))).toBeGreaterThan(60);
  for (const block of layout.blocks) {
    const box = cellOf(layout, block, 3);
    expect(hit(layout, box.x + 1, box.y + 1)?.gpu).toBe(block.firstGpu + 3);
  }
  expect(step(layout, undefined, 'ArrowRight')).toBe(0);
  expect(step(layout, 7, 'ArrowRight')).toBe(16);
  expect(step(layout, 16, 'ArrowLeft')).toBe(7);
  expect(step(layout, 3, 'End')).toBe(15);
});

test('up and down lead to the cell above and below, within the node and into the next row', () => {
  const layout = layOut(
    Array.from({ length: 8 }, (_, at) => node(`n${at}`, 16)),
    1400,
  );
  expect(layout.columns).toBe(4);
  expect(step(layout, 3, 'ArrowDown')).toBe(11);
  expect(step(layout, 11, 'ArrowDown')).toBe(67);
  expect(step(layout, 67, 'ArrowUp')).toBe(11);
  expect(step(layout, 3, 'ArrowUp')).toBe(3);
});
