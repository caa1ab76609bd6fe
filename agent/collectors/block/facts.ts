// What a disk is: sys/block/DEV and the device behind it. Documentation/ABI/stable/sysfs-block.
import { isAbsent } from '#agent/contract';
import { canonicalPciAddress } from '../../parse/pci.ts';
import type { Tree } from '../../sources/tree.ts';
import { pciDeviceOf } from '../nvme/devices.ts';
import type { LeafDisk } from './graph.ts';

type DiskLabel =
  'device' | 'model' | 'serial' | 'wwid' | 'kind' | 'controller' | 'numa_node' | 'pci_bus_id' | 'rotational';
export type DiskFacts = Readonly<Record<DiskLabel, string>>;

export function describeDisk(tree: Tree, disk: LeafDisk): DiskFacts {
  const { name, path } = disk;
  const controllers = name.startsWith('nvme') ? controllersOf(tree, disk) : [];
  const behind = [`${path}/device`, ...(name.startsWith('nvme') ? [parentOf(tree, path)] : [])];
  const text = (...files: readonly string[]): string => firstWord(tree, files);
  const pci = same(disk.counted.map((counted) => pciDeviceOf(tree, counted.path)?.directory ?? ''));
  return {
    device: name,
    model: text(...behind.map((directory) => `${directory}/model`), `${path}/device/name`),
    serial: text(`${path}/serial`, ...behind.map((directory) => `${directory}/serial`)),
    wwid: text(`${path}/wwid`, `${path}/device/wwid`),
    kind: kindOf(tree, name, controllers),
    controller: controllers.map(({ name }) => name).join(','),
    numa_node: numaNodeOf(text(`${pci}/numa_node`, ...behind.map((directory) => `${directory}/numa_node`))),
    pci_bus_id: canonicalPciAddress(pci.split('/').at(-1) ?? '') ?? addressOf(tree, controllers),
    rotational: text(`${path}/queue/rotational`),
  };
}

interface Controller {
  readonly name: string;
  readonly path: string;
}

/** By the name of the path (nvme1c0n1 is reached through nvme0), else by the directory that the disk is in. */
function controllersOf(tree: Tree, { counted }: LeafDisk): readonly Controller[] {
  const found = counted.flatMap(({ name, path }) => {
    const number = /^nvme\d+c(\d+)n\d+$/.exec(name)?.[1];
    const parent =
      number === undefined ? controllerAbove(tree, path) : { name: `nvme${number}`, path: parentOf(tree, path) };
    return parent ? [parent] : [];
  });
  return [...new Map(found.map((controller) => [controller.name, controller])).values()];
}

function controllerAbove(tree: Tree, path: string): Controller | undefined {
  const candidates = [parentOf(tree, path), tree.resolve(`${path}/device`)];
  for (const candidate of candidates) {
    const name = isAbsent(candidate) ? '' : (candidate.split('/').at(-1) ?? '');
    if (!isAbsent(candidate) && /^nvme\d+$/.test(name)) return { name, path: candidate };
  }
  return undefined;
}

function parentOf(tree: Tree, path: string): string {
  const resolved = tree.resolve(path);
  return (isAbsent(resolved) ? path : resolved).split('/').slice(0, -1).join('/');
}

function kindOf(tree: Tree, name: string, controllers: readonly Controller[]): string {
  if (name.startsWith('nvme')) {
    const transports = controllers.map((one) => transportOf(tree, one));
    return transports.some((transport) => transport !== '' && transport !== 'pcie') ? 'nvme_fabrics' : 'nvme';
  }
  if (/^sd[a-z]/.test(name)) return 'scsi';
  return /^(?:vd|xvd)[a-z]/.test(name) ? 'virtual' : 'other';
}

function transportOf(tree: Tree, { name, path }: Controller): string {
  return firstWord(tree, [`${path}/transport`, `sys/class/nvme/${name}/transport`]);
}

/** An NVMe controller on PCI knows its address also where the tree has no PCI devices. */
function addressOf(tree: Tree, controllers: readonly Controller[]): string {
  return same(
    controllers.map(({ name, path }) => {
      const address = firstWord(tree, [`${path}/address`, `sys/class/nvme/${name}/address`]);
      return canonicalPciAddress(address) ?? '';
    }),
  );
}

function firstWord(tree: Tree, paths: readonly string[]): string {
  for (const path of paths) {
    const word = tree.word(path);
    if (word !== undefined && word !== '') return word;
  }
  return '';
}

/** -1 is the kernel's word for unknown. */
function numaNodeOf(text: string): string {
  return text === '-1' ? '' : text;
}

/** What all have in common; empty if they differ. */
function same(texts: readonly string[]): string {
  const [first = ''] = texts;
  return texts.every((text) => text === first) ? first : '';
}
