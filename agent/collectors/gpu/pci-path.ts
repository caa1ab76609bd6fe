// What lies between two PCI devices, in the words of `nvidia-smi topo -m`, and which of several devices is nearest by them.
import type { PciDevice } from './pci-tree.ts';

/** The nearest first. */
export const pciPaths = ['PIX', 'PXB', 'PHB', 'NODE', 'SYS'] as const;
export type PciPath = (typeof pciPaths)[number];

/**
 * PIX: behind one switch (or one port); PXB: behind several, without the host bridge; PHB: over one host bridge;
 * NODE: over host bridges of one NUMA node; SYS: over the link between sockets. A machine that knows no NUMA node has one.
 */
export function pciPathBetween(a: PciDevice, b: PciDevice): PciPath {
  const shared = sharedLength(a.chain, b.chain);
  if (shared === 0) return a.numaNode === b.numaNode ? 'NODE' : 'SYS';
  if (shared === 1) return 'PHB';
  // A switch is one bridge up and one down per device: below the bridge they share, each passes at most its own way down.
  const passed = Math.max(a.chain.length, b.chain.length) - shared - 1;
  return passed <= 1 ? 'PIX' : 'PXB';
}

export interface Nearest<D extends PciDevice> {
  readonly path: PciPath;
  /** All that are equally near, in their order: which of them a GPU uses is not for the bus to say. */
  readonly devices: readonly D[];
}

export function nearestOf<D extends PciDevice>(from: PciDevice, devices: readonly D[]): Nearest<D> | undefined {
  const paths = new Map(devices.map((device) => [device, pciPathBetween(from, device)]));
  const best = pciPaths.find((path) => [...paths.values()].includes(path));
  return best && { path: best, devices: devices.filter((device) => paths.get(device) === best) };
}

function sharedLength(a: readonly string[], b: readonly string[]): number {
  const differs = a.findIndex((step, index) => step !== b[index]);
  return differs === -1 ? a.length : differs;
}
