// Which NUMA node a CPU belongs to: sys/devices/system/node/node*/cpulist. Documentation/ABI/stable/sysfs-devices-node.
import { isAbsent } from '#agent/contract';
import { parseCpuList } from '../../parse/cpulist.ts';
import { ParseError } from '../../parse/parse-error.ts';
import type { Tree } from '../../sources/tree.ts';

const DIRECTORY = 'sys/devices/system/node';

/** Number of the node by number of the CPU; empty on a machine that does not say. */
export function findNumaNodes(tree: Tree): ReadonlyMap<number, string> {
  const nodeOf = new Map<number, string>();
  for (const name of tree.names(DIRECTORY)) {
    const node = /^node(\d+)$/.exec(name)?.[1];
    if (node === undefined) continue;
    for (const cpu of cpusOf(tree, `${DIRECTORY}/${name}/cpulist`)) nodeOf.set(cpu, node);
  }
  return nodeOf;
}

function cpusOf(tree: Tree, path: string): readonly number[] {
  const text = tree.text(path);
  if (isAbsent(text)) return [];
  try {
    return parseCpuList(text, path);
  } catch (error) {
    if (error instanceof ParseError) return [];
    throw error;
  }
}
