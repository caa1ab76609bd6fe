// Which block devices there are and which of them are counted: whole leaf disks, a multipath disk once under its head.
// md and dm are views of leaves. Documentation/ABI/stable/sysfs-block (hidden, slaves), nvme-multipath.rst.
import { isAbsent } from '#agent/contract';
import { parseDiskNames } from '../../parse/diskstats.ts';
import type { Tree } from '../../sources/tree.ts';
import { findNvmeNamespaces } from '../nvme/devices.ts';

export interface BlockDevice {
  readonly name: string;
  readonly path: string;
  /** Counted in a row of this file, where there is no stat of its own. */
  readonly table?: string;
}

export interface LeafDisk extends BlockDevice {
  /** Where its I/O is counted: the hidden paths of a multipath disk, else the disk itself. */
  readonly counted: readonly BlockDevice[];
}

export interface DiskGraph {
  readonly leaves: readonly LeafDisk[];
  readonly views: readonly { readonly name: string; readonly members: readonly string[] }[];
  /** Names of the leaf disks below a disk, a partition, a md or dm device. */
  leavesOf(name: string): readonly string[];
}

const DISKSTATS = 'proc/diskstats';
const notCounted = /^(?:loop|ram|zram|sr|nbd|fd)\d/;
const viewName = /^(?:md|dm-)/;
const nvmePath = /^nvme(\d+)c\d+n(\d+)$/;

export function readDiskGraph(tree: Tree): DiskGraph {
  const devices = findBlockDevices(tree).filter(({ name }) => !notCounted.test(name));
  const slaves = new Map(devices.map(({ name, path }) => [name, tree.names(`${path}/slaves`)]));
  const isView = ({ name }: BlockDevice): boolean => viewName.test(name) || (slaves.get(name)?.length ?? 0) > 0;
  const leaves = findLeaves(
    tree,
    devices.filter((device) => !isView(device)),
  );
  const leavesOf = resolverOf(leaves, slaves);
  return {
    leaves,
    views: devices.filter(isView).map(({ name }) => ({ name, members: leavesOf(name) })),
    leavesOf,
  };
}

function findBlockDevices(tree: Tree): readonly BlockDevice[] {
  const listed = tree.names('sys/block').map((name) => ({ name, path: `sys/block/${name}` }));
  if (listed.length > 0 || tree.isHost) return listed;
  const recorded = devicesWithoutList(tree);
  return recorded.length > 0 ? recorded : devicesOfTable(tree);
}

/** Recorded trees may hold devices without the directory that lists them. */
function devicesWithoutList(tree: Tree): readonly BlockDevice[] {
  const found = new Map(findNvmeNamespaces(tree));
  for (const name of tree.names('sys/class/block')) {
    const path = `sys/class/block/${name}`;
    if (!tree.exists(`${path}/partition`)) found.set(name, path);
  }
  return [...found].flatMap(([name, path]) => (tree.exists(`${path}/stat`) ? [{ name, path }] : []));
}

/** proc/diskstats lists partitions too, and says of none that it is one. */
function devicesOfTable(tree: Tree): readonly BlockDevice[] {
  const text = tree.text(DISKSTATS);
  const names = isAbsent(text) ? [] : parseDiskNames(text);
  const whole = names.filter(
    (name) =>
      wholeDiskOf(
        name,
        names.filter((other) => other !== name),
      ) === name,
  );
  return whole.map((name) => ({ name, path: `sys/block/${name}`, table: DISKSTATS }));
}

/** With multipath the kernel counts in the paths, and since Linux 6.15 in the head too: the paths are right on both. */
function findLeaves(tree: Tree, devices: readonly BlockDevice[]): readonly LeafDisk[] {
  const pathsOf = Map.groupBy(devices, ({ name }) => headOf(name));
  const heads = devices.filter(({ name, path }) => headOf(name) === undefined && tree.word(`${path}/hidden`) !== '1');
  const headNames = new Set(heads.map(({ name }) => name));
  const headless = [...pathsOf.keys()].flatMap((head) =>
    head === undefined || headNames.has(head)
      ? []
      : (pathsOf.get(head) ?? []).slice(0, 1).map((path) => ({ ...path, name: head })),
  );
  return [...heads, ...headless].map((head) => {
    const paths = [...(pathsOf.get(head.name) ?? []), ...linkedPaths(tree, head)];
    const distinct = [...new Map(paths.map((path) => [path.name, path])).values()];
    return { ...head, counted: distinct.length > 0 ? distinct : [head] };
  });
}

function linkedPaths(tree: Tree, { name, path }: BlockDevice): readonly BlockDevice[] {
  return tree
    .names(`${path}/multipath`)
    .filter((linked) => headOf(linked) === name)
    .map((linked) => ({ name: linked, path: `${path}/multipath/${linked}` }));
}

/** nvme1c0n1 is a path of nvme1n1. */
function headOf(name: string): string | undefined {
  const match = nvmePath.exec(name);
  return match ? `nvme${match[1] ?? ''}n${match[2] ?? ''}` : undefined;
}

function resolverOf(
  leaves: readonly LeafDisk[],
  slaves: ReadonlyMap<string, readonly string[]>,
): (name: string) => readonly string[] {
  const leafNames = new Set(leaves.map(({ name }) => name));
  const find = (name: string, above: ReadonlySet<string>): readonly string[] => {
    const disk = wholeDiskOf(name, [...leafNames, ...slaves.keys()]);
    const leaf = headOf(disk) ?? disk;
    if (leafNames.has(leaf)) return [leaf];
    if (above.has(disk)) return [];
    const below = new Set([...above, disk]);
    return (slaves.get(disk) ?? []).flatMap((slave) => find(slave, below));
  };
  return (name) => [...new Set(find(name, new Set()))].toSorted();
}

/** sda of sda1, nvme0n1 of nvme0n1p2; the name itself if it is no partition. A p stands between two digits. */
function wholeDiskOf(name: string, disks: readonly string[]): string {
  if (disks.includes(name)) return name;
  const parent = (/^(.*\d)p\d+$/.exec(name) ?? /^(.*\D)\d+$/.exec(name))?.[1];
  return parent !== undefined && disks.includes(parent) ? parent : name;
}
