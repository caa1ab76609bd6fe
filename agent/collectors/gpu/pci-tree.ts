// NVIDIA's devices on the PCI bus, whether their driver answers or not, and what lies between them and InfiniBand adapters.
// Documentation/ABI/testing/sysfs-bus-pci; nothing here reads a device, only what the kernel remembers of it.
import { isAbsent } from '#agent/contract';
import { canonicalPciAddress } from '../../parse/pci.ts';
import type { Tree } from '../../sources/tree.ts';
import { namesOfHca } from '../infiniband/facts.ts';

export interface PciDevice {
  /** As `canonicalPciAddress` writes it. */
  readonly address: string;
  /** Empty where the kernel does not know. */
  readonly numaNode: string;
  /** Host bridge, bridges, and the device itself; empty where the tree does not tell. */
  readonly chain: readonly string[];
}

export interface PciGpu extends PciDevice {
  /** Given to a virtual machine: the driver of this node is not to answer for it. */
  readonly isPassedThrough: boolean;
}

export interface PciTree {
  readonly gpus: readonly PciGpu[];
  readonly switches: readonly PciDevice[];
}

export interface InfinibandAdapter extends PciDevice {
  readonly device: string;
}

const PCI_DEVICES = 'sys/bus/pci/devices';
const INFINIBAND = 'sys/class/infiniband';
const NVIDIA = '0x10de';
const GPU_CLASS = /^0x030[02]/;
const BRIDGE_CLASS = /^0x0680/;

export function readPciGpus(tree: Tree): PciTree {
  const nvidia = tree
    .names(PCI_DEVICES)
    .map((name) => `${PCI_DEVICES}/${name}`)
    .filter((path) => tree.word(`${path}/vendor`) === NVIDIA)
    .map((path) => ({ path, kind: tree.word(`${path}/class`) ?? '' }));
  const ofClass = (kinds: RegExp): readonly string[] =>
    nvidia.filter(({ kind }) => kinds.test(kind)).map(({ path }) => path);
  return {
    // A virtual function is no GPU of its own, and the driver of the node does not answer for it.
    gpus: ofClass(GPU_CLASS)
      .filter((path) => !tree.exists(`${path}/physfn`))
      .flatMap((path) => describeGpu(tree, path)),
    switches: ofClass(BRIDGE_CLASS).flatMap((path) => describe(tree, path)),
  };
}

/** In the order of their numbers: mlx5_2 before mlx5_10. Those that are not on PCI are left out. */
export function readInfinibandAdapters(
  tree: Tree,
  wanted: (names: readonly string[]) => boolean = () => true,
): readonly InfinibandAdapter[] {
  return tree
    .names(INFINIBAND)
    .filter((device) => wanted(namesOfHca(tree, device, `${INFINIBAND}/${device}`)))
    .toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .flatMap((device) => describe(tree, `${INFINIBAND}/${device}/device`).map((one) => ({ ...one, device })));
}

function describeGpu(tree: Tree, path: string): readonly PciGpu[] {
  const driver = tree.resolve(`${path}/driver`);
  const isPassedThrough = !isAbsent(driver) && driver.endsWith('/vfio-pci');
  return describe(tree, path).map((one) => ({ ...one, isPassedThrough }));
}

function describe(tree: Tree, path: string): readonly PciDevice[] {
  const resolved = tree.resolve(path);
  if (isAbsent(resolved)) return [];
  const steps = resolved.split('/');
  const address = canonicalPciAddress(steps.at(-1) ?? '');
  if (address === undefined) return [];
  const numaNode = tree.word(`${path}/numa_node`) ?? '';
  // -1 is the kernel's word for unknown.
  return [{ address, numaNode: numaNode === '-1' ? '' : numaNode, chain: chainOf(steps) }];
}

function chainOf(steps: readonly string[]): readonly string[] {
  const bridge = steps.findIndex((step) => /^pci[\da-f]{4,8}:[\da-f]{2}$/.test(step));
  return bridge === -1 ? [] : steps.slice(bridge);
}
