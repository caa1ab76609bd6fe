// Where the NVLinks of each platform lead. HGX-1: the hybrid cube mesh of DGX-1 with V100; HGX-2: six links of every GPU to
// the six NVSwitches of its board. NVIDIA's DGX-1 and DGX-2 architecture whitepapers; `nvidia-smi topo -m` of a DGX-1.
import type { PlatformName } from './hardware.ts';

/** What a link leads to. On a GPU it ends in one of that GPU's own links. */
export type NvLinkEnd =
  | { readonly kind: 'gpu'; readonly gpu: number; readonly link: number }
  | { readonly kind: 'switch'; readonly nvswitch: number };

export const NVLINK_BYTES_PER_S = 25.781e9;
export const LINKS_PER_GPU = 6;

const HGX2_GPUS = 16;
const GPUS_PER_BOARD = 8;
const SWITCHES_PER_BOARD = 6;

/** Links between two GPUs of the hybrid cube mesh: two squares of four, each with diagonals, and four edges between them. */
const cubeMesh: readonly (readonly [gpu: number, gpu: number, links: number])[] = [
  [0, 1, 1],
  [0, 2, 1],
  [0, 3, 2],
  [0, 4, 2],
  [1, 2, 2],
  [1, 3, 1],
  [1, 5, 2],
  [2, 3, 2],
  [2, 6, 1],
  [3, 7, 1],
  [4, 5, 1],
  [4, 6, 1],
  [4, 7, 2],
  [5, 6, 2],
  [5, 7, 1],
  [6, 7, 2],
];

const ends: Readonly<Record<PlatformName, readonly (readonly NvLinkEnd[])[]>> = {
  hgx1: meshEnds(),
  hgx2: Array.from({ length: HGX2_GPUS }, (_, gpu) =>
    Array.from({ length: LINKS_PER_GPU }, (_, link) => ({
      kind: 'switch' as const,
      nvswitch: Math.floor(gpu / GPUS_PER_BOARD) * SWITCHES_PER_BOARD + link,
    })),
  ),
};

/** By GPU and link. */
export function nvlinksOf(platform: PlatformName): readonly (readonly NvLinkEnd[])[] {
  return ends[platform];
}

/** How many links join two GPUs; behind switches all links of the one reach the other. */
export function linksBetween(platform: PlatformName, one: number, other: number): number {
  if (one === other) return 0;
  return (ends[platform][one] ?? []).filter((end) => end.kind === 'switch' || end.gpu === other).length;
}

/** A link is up while both its ends answer. */
export function isLinkUp(end: NvLinkEnd | undefined, lost: readonly boolean[], gpu: number): boolean {
  if (!end || lost[gpu] === true) return false;
  return end.kind === 'switch' || lost[end.gpu] !== true;
}

function meshEnds(): readonly (readonly NvLinkEnd[])[] {
  const mesh: NvLinkEnd[][] = Array.from({ length: 8 }, () => []);
  for (const [one, other, links] of cubeMesh) {
    const [ours, theirs] = [mesh[one], mesh[other]];
    for (let count = 0; ours && theirs && count < links; count++) {
      const [link, peerLink] = [ours.length, theirs.length];
      ours.push({ kind: 'gpu', gpu: other, link: peerLink });
      theirs.push({ kind: 'gpu', gpu: one, link });
    }
  }
  return mesh;
}
