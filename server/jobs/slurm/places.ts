// Which GPU stands at a place of Slurm's list. The place is none of NVML's numbers: it counts the node's list of device files, whose
// numbers are the driver's minors; without such a list devices are in the order of the PCI bus. gres.conf(5), host.md §3.1.
import type { DeviceFiles } from './gres-conf.ts';

export interface PlacedGpu {
  readonly uuid: string;
  /** NVML's index, as text. */
  readonly gpu: string;
  readonly pciBusId: string;
}

export interface PlacesOfNode {
  readonly node: string;
  readonly gpus: readonly PlacedGpu[];
  /** Minor number by PCI address, as far as the driver says; empty where it is not known. */
  readonly minors: ReadonlyMap<string, number>;
  readonly files: DeviceFiles;
}

/** Gives undefined where nothing is known to stand at a place. */
export function placeFinder({ node, gpus, minors, files }: PlacesOfNode): (place: number) => string | undefined {
  const named = files(node);
  const inOrder = inBusOrder(gpus);
  if (!named) return (place) => inOrder[place]?.uuid;
  const byMinor = new Map(gpus.map(({ uuid, pciBusId }) => [minors.get(shortAddress(pciBusId)), uuid] as const));
  return (place) => {
    const minor = /\/nvidia(\d+)$/.exec(named[place] ?? '')?.[1];
    // A part of a GPU (/dev/nvidia-caps/…) is no GPU.
    if (minor === undefined) return undefined;
    return minors.size === 0 ? inOrder[Number(minor)]?.uuid : byMinor.get(Number(minor));
  };
}

/** NVML writes eight digits of the domain, the kernel four. */
export function shortAddress(pciBusId: string): string {
  return pciBusId.toLowerCase().replace(/^0000(?=[\da-f]{4}:)/, '');
}

function inBusOrder(gpus: readonly PlacedGpu[]): readonly PlacedGpu[] {
  const byIndex = (a: PlacedGpu, b: PlacedGpu): number => Number(a.gpu) - Number(b.gpu);
  if (gpus.some(({ pciBusId }) => pciBusId === '')) return gpus.toSorted(byIndex);
  const placed = gpus.map((gpu) => ({ gpu, address: shortAddress(gpu.pciBusId) }));
  return placed
    .toSorted((a, b) => (a.address === b.address ? byIndex(a.gpu, b.gpu) : a.address < b.address ? -1 : 1))
    .map(({ gpu }) => gpu);
}
