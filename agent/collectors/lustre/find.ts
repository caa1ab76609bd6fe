// Where a Lustre client keeps its stats. debugfs is root's alone, but sys/fs/lustre names the clients to everybody.
import { isAbsent, type AbsenceReason } from '#agent/contract';
import type { Tree } from '../../sources/tree.ts';

export type LustreClient =
  { readonly kind: 'readable'; readonly path: string } | { readonly kind: 'hidden'; readonly reason: AbsenceReason };

const DEBUGFS = 'sys/kernel/debug/lustre/llite';
const DIRECTORIES = [DEBUGFS, 'proc/fs/lustre/llite'];
const NAMES = [...DIRECTORIES, 'sys/fs/lustre/llite'];

/** By file system: lustrefs of lustrefs-ffff88105db50000. One that is mounted twice has two clients. */
export function findLustre(tree: Tree): ReadonlyMap<string, readonly LustreClient[]> {
  const clients = [...new Set(NAMES.flatMap((directory) => tree.names(directory)))].filter((name) =>
    name.includes('-'),
  );
  const grouped = Map.groupBy(clients, (client) => client.slice(0, client.lastIndexOf('-')));
  return new Map([...grouped].map(([filesystem, names]) => [filesystem, names.map((name) => clientOf(tree, name))]));
}

function clientOf(tree: Tree, name: string): LustreClient {
  const path = DIRECTORIES.map((directory) => `${directory}/${name}/stats`).find((one) => tree.exists(one));
  if (path !== undefined) return { kind: 'readable', path };
  const listed = tree.list(DEBUGFS);
  return { kind: 'hidden', reason: isAbsent(listed) && listed.reason === 'forbidden' ? 'forbidden' : 'unsupported' };
}
