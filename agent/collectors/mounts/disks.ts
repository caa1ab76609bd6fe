// The leaf disks below a mount, by the number of its device or the name of its source.
import { isAbsent } from '#agent/contract';
import type { Mount } from '../../parse/mountinfo.ts';
import type { Tree } from '../../sources/tree.ts';
import type { DiskGraph } from '../block/graph.ts';

export function disksOfMount(tree: Tree, graph: DiskGraph, mount: Mount): readonly string[] {
  const name = nameByNumber(tree, mount.deviceNumber) ?? nameBySource(tree, graph, mount.source);
  return name === undefined ? [] : graph.leavesOf(name);
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
