// What an adapter and its ports are, below sys/class/infiniband. Documentation/ABI/stable/sysfs-class-infiniband.
import { isAbsent } from '#agent/contract';
import { canonicalPciAddress, sysfsPciAddress } from '../../parse/pci.ts';
import type { Tree } from '../../sources/tree.ts';
import { findPauses, type PauseFile } from './pauses.ts';
import { isBondName } from './rails.ts';

const CLASS = 'sys/class/infiniband';
const PCI_DEVICES = 'sys/bus/pci/devices';

type InfoText = 'board_id' | 'firmware_version' | 'hca_type' | 'node_guid' | 'sys_image_guid' | 'node_desc';

export interface HcaFacts {
  readonly device: string;
  readonly path: string;
  readonly info: Readonly<Record<InfoText | 'pci_bus_id' | 'numa_node', string>>;
  /** Where current_link_speed and its like are; undefined if the adapter is not on PCI. */
  readonly pciPath: string | undefined;
  /** Of a virtual function, the PCI address of its physical one. */
  readonly physicalFunction: string | undefined;
  readonly hwCounters: readonly string[];
  readonly ports: readonly PortFacts[];
}

export interface PortFacts {
  readonly port: string;
  readonly path: string;
  readonly linkLayer: string;
  readonly guid: string;
  readonly lid: string;
  readonly netdev: string;
  readonly counters: readonly string[];
  readonly extendedCounters: readonly string[];
  readonly hwCounters: readonly string[];
  readonly netPath: string | undefined;
  readonly pauses: readonly PauseFile[];
}

/** Path of every adapter by its name; nothing of it is opened. Recorded trees may hold the devices without the class that links to them. */
export function findHcas(tree: Tree): ReadonlyMap<string, string> {
  const found = new Map(tree.names(CLASS).map((name) => [name, `${CLASS}/${name}`]));
  if (found.size > 0 || tree.isHost) return found;
  for (const address of tree.names(PCI_DEVICES)) {
    const directory = `${PCI_DEVICES}/${address}/infiniband`;
    for (const name of tree.names(directory)) found.set(name, `${directory}/${name}`);
  }
  return found;
}

export function describeHca(tree: Tree, device: string, path: string): HcaFacts {
  const devicePath = devicePathOf(tree, path);
  const address = pciAddressOf(tree, devicePath);
  const netPath = `${devicePath}/net`;
  return {
    device,
    path,
    info: {
      ...textsOf(tree, path),
      pci_bus_id: address === undefined ? '' : (canonicalPciAddress(address) ?? ''),
      numa_node: numaNodeOf(tree, devicePath),
    },
    pciPath: address === undefined ? undefined : linkDirectoryOf(tree, devicePath, address),
    physicalFunction: physicalFunctionOf(tree, devicePath),
    hwCounters: eventFiles(tree, `${path}/hw_counters`),
    ports: tree
      .names(`${path}/ports`)
      .map((port) => describePort(tree, { port, path: `${path}/ports/${port}`, netPath })),
  };
}

/** The names by which an operator may mean an adapter: its own, its PCI address. Links are followed, no file is opened. */
export function namesOfHca(tree: Tree, device: string, path: string): readonly string[] {
  const resolved = tree.resolve(devicePathOf(tree, path));
  const address = isAbsent(resolved) ? undefined : canonicalPciAddress(resolved.split('/').at(-1) ?? '');
  return address === undefined ? [device] : [device, address];
}

/** The PCI device: behind the link, or in a recorded tree without it the directory that holds the adapter. */
function devicePathOf(tree: Tree, path: string): string {
  if (tree.exists(`${path}/device`)) return `${path}/device`;
  const resolved = tree.resolve(path);
  const parent = isAbsent(resolved) ? undefined : /^(.*)\/infiniband\/[^/]+$/.exec(resolved)?.[1];
  const onPci = parent !== undefined && sysfsPciAddress(parent.split('/').at(-1) ?? '') !== undefined;
  return onPci ? parent : `${path}/device`;
}

interface PortPlace {
  readonly port: string;
  readonly path: string;
  /** Where the interfaces of the adapter are. */
  readonly netPath: string;
}

function describePort(tree: Tree, at: PortPlace): PortFacts {
  const netdev = netdevOf(tree, at);
  const netPath = netdev === undefined ? undefined : netPathOf(tree, at.netPath, netdev);
  return {
    port: at.port,
    path: at.path,
    linkLayer: (tree.word(`${at.path}/link_layer`) ?? '').split('\n')[0]?.trim() ?? '',
    guid: portGuidOf(tree.word(`${at.path}/gids/0`) ?? ''),
    lid: tree.word(`${at.path}/lid`) ?? '',
    netdev: netdev ?? '',
    counters: tree.names(`${at.path}/counters`),
    extendedCounters: tree.names(`${at.path}/counters_ext`),
    hwCounters: eventFiles(tree, `${at.path}/hw_counters`),
    netPath,
    pauses: netPath === undefined ? [] : findPauses(tree, netPath),
  };
}

function textsOf(tree: Tree, path: string): Readonly<Record<InfoText, string>> {
  const text = (file: string): string => tree.word(`${path}/${file}`) ?? '';
  return {
    board_id: text('board_id'),
    firmware_version: text('fw_ver'),
    hca_type: text('hca_type'),
    node_guid: text('node_guid'),
    sys_image_guid: text('sys_image_guid'),
    node_desc: text('node_desc'),
  };
}

function pciAddressOf(tree: Tree, devicePath: string): string | undefined {
  const resolved = tree.resolve(devicePath);
  const name = isAbsent(resolved) ? '' : (resolved.split('/').at(-1) ?? '');
  const slot = /^PCI_SLOT_NAME=(\S+)$/m.exec(tree.word(`${devicePath}/uevent`) ?? '')?.[1] ?? '';
  return sysfsPciAddress(name) ?? sysfsPciAddress(slot);
}

function linkDirectoryOf(tree: Tree, devicePath: string, address: string): string {
  if (tree.exists(`${devicePath}/current_link_speed`)) return devicePath;
  const bus = address.split(':').slice(0, 2).join(':');
  const throughBus = `sys/class/pci_bus/${bus}/device/${address}`;
  return tree.exists(throughBus) ? throughBus : devicePath;
}

function numaNodeOf(tree: Tree, devicePath: string): string {
  const node = tree.word(`${devicePath}/numa_node`) ?? '';
  // -1 is the kernel's word for unknown.
  return node === '-1' ? '' : node;
}

/** The network interface of a port: of a bond that of its first GID; else by dev_port, which counts from 0; the only one; that of the GID. */
function netdevOf(tree: Tree, { port, path, netPath }: PortPlace): string | undefined {
  const ofBond = isBondName(path) ? netdevOfGid(tree, path) : undefined;
  if (ofBond !== undefined) return ofBond;
  const names = tree.names(netPath);
  const own = names.find((name) => tree.word(`${netPath}/${name}/dev_port`) === String(Number(port) - 1));
  if (own !== undefined) return own;
  if (names.length === 1 && port === '1') return names[0];
  return netdevOfGid(tree, path);
}

function netdevOfGid(tree: Tree, path: string): string | undefined {
  const name = tree.word(`${path}/gid_attrs/ndevs/0`) ?? '';
  return /^[^\s/]+$/.test(name) ? name : undefined;
}

/** A bond's interface is not below its PCI device. */
function netPathOf(tree: Tree, netPath: string, netdev: string): string {
  const below = `${netPath}/${netdev}`;
  return tree.exists(below) ? below : `sys/class/net/${netdev}`;
}

function physicalFunctionOf(tree: Tree, devicePath: string): string | undefined {
  const resolved = tree.exists(`${devicePath}/physfn`) ? tree.resolve(`${devicePath}/physfn`) : '';
  return isAbsent(resolved) ? undefined : canonicalPciAddress(resolved.split('/').at(-1) ?? '');
}

/** Low 64 bits of the first GID; what is not a GID is kept as it is. */
function portGuidOf(gid: string): string {
  const groups = gid.split(':');
  return groups.length === 8 ? groups.slice(4).join(':') : gid;
}

/** lifespan is how long the values are cached in milliseconds, a setting and no event. */
function eventFiles(tree: Tree, directory: string): readonly string[] {
  return tree.names(directory).filter((name) => name !== 'lifespan');
}
