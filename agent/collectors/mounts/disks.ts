// The leaf disks below a mount, by the number of its device or the name of its source.
import { isAbsent } from '#agent/contract';
import type { Mount } from '../../parse/mountinfo.ts';
import type { Tree } from '../../sources/tree.ts';
import type { DiskGraph } from '../block/graph.ts';

export function disksOfMount(tree: Tree, graph: DiskGraph, mount: Mount): readonly string[] {
  const name = nameByNumber(tree, mount.deviceNumber) ?? nameBySource(tree, graph, mount.source);
  if (name === undefined) return [];
  const names = mount.fstype === 'btrfs' ? devicesOfBtrfs(tree, name) : [name];
  return [...new Set(names.flatMap((one) => graph.leavesOf(one)))].toSorted();
}

/** btrfs spreads over several devices and names one of them as its source. sys/fs/btrfs/UUID/devices. */
function devicesOfBtrfs(tree: Tree, name: string): readonly string[] {
  const filesystems = tree.names('sys/fs/btrfs').map((uuid) => tree.names(`sys/fs/btrfs/${uuid}/devices`));
  return filesystems.find((devices) => devices.includes(name)) ?? [name];
}

function nameByNumber(tree: Tree, number: string): string | undefined {
  const path = tree.resolve(`sys/dev/block/${number}`);
  return isAbsent(path) ? undefined : path.split('/').at(-1);
}

/** btrfs and its like have a number that is no device's. */
function nameBySource(tree: Tree, graph: DiskGraph, source: string): string | undefined {
  const mapped = /^\/dev\/mapper\/(.+)$/.exec(source)?.[1];
  if (mapped === undefined) return /^\/dev\/(?:.*\/)?([^/]+)$/.exec(source)?.[1];
  return graph.views.find(({ name }) => tree.word(`sys/block/${name}/dm/name`) === mapped)?.name;
}
