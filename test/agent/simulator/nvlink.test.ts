// NVLink of both platforms: the mesh of a DGX-1 as its own tool prints it, and what goes over links.
import { describe, expect, test } from 'vitest';
import { linksBetween, LINKS_PER_GPU, nvlinksOf, isLinkUp } from '../../../agent/simulator/nvlink.ts';

/** NVIDIA's DGX-1 V100: links between GPU pairs, row by row of `nvidia-smi topo -m`. */
const dgx1 = [
  [0, 1, 1, 2, 2, 0, 0, 0],
  [1, 0, 2, 1, 0, 2, 0, 0],
  [1, 2, 0, 2, 0, 0, 1, 0],
  [2, 1, 2, 0, 0, 0, 0, 1],
  [2, 0, 0, 0, 0, 1, 1, 2],
  [0, 2, 0, 0, 1, 0, 2, 1],
  [0, 0, 1, 0, 1, 2, 0, 2],
  [0, 0, 0, 1, 2, 1, 2, 0],
];

describe('HGX-1', () => {
  const mesh = nvlinksOf('hgx1');

  test('the mesh of a DGX-1', () => {
    expect(dgx1.map((row, one) => row.map((_, other) => linksBetween('hgx1', one, other)))).toEqual(dgx1);
  });

  test('every GPU has six links, and each link’s other end leads back to it', () => {
    for (const [gpu, ends] of mesh.entries()) {
      expect(ends).toHaveLength(LINKS_PER_GPU);
      for (const [link, end] of ends.entries()) {
        if (end.kind !== 'gpu') throw new Error('a mesh has no switches');
        expect(mesh[end.gpu]?.[end.link]).toEqual({ kind: 'gpu', gpu, link });
      }
    }
  });

  test('a lost GPU takes down its own links and those that lead to it', () => {
    const lost = Array.from({ length: 8 }, (_, gpu) => gpu === 4);
    const up = (gpu: number): number => (mesh[gpu] ?? []).filter((end) => isLinkUp(end, lost, gpu)).length;
    expect([0, 1, 2, 3, 4, 5, 6, 7].map(up)).toEqual([4, 6, 6, 6, 0, 5, 5, 4]);
  });
});

describe('HGX-2', () => {
  test('six links to the six switches of the own board; every pair is six links apart', () => {
    expect(nvlinksOf('hgx2')).toHaveLength(16);
    expect(nvlinksOf('hgx2')[7]?.map((end) => end.kind === 'switch' && end.nvswitch)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(nvlinksOf('hgx2')[8]?.map((end) => end.kind === 'switch' && end.nvswitch)).toEqual([6, 7, 8, 9, 10, 11]);
    expect(linksBetween('hgx2', 0, 15)).toBe(6);
    expect(linksBetween('hgx2', 3, 3)).toBe(0);
  });

  test('a lost GPU takes down nobody else’s links', () => {
    const lost = Array.from({ length: 16 }, (_, gpu) => gpu === 1);
    expect(nvlinksOf('hgx2')[0]?.every((end) => isLinkUp(end, lost, 0))).toBe(true);
    expect(nvlinksOf('hgx2')[1]?.some((end) => isLinkUp(end, lost, 1))).toBe(false);
  });
});
