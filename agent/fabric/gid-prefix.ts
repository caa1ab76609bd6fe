// The subnet of a port of this host: the upper half of its GID. Documentation/ABI/stable/sysfs-class-infiniband.
import { isAbsent } from '#agent/contract';
import type { Tree } from '../sources/tree.ts';

/** Every subnet that nobody gave a prefix has this one, so that it tells nothing. */
const DEFAULT_PREFIX = 'fe80000000000000';

export function readGidPrefix(tree: Tree, portGuid: string): string | undefined {
  for (const device of tree.names('sys/class/infiniband')) {
    for (const port of tree.names(`sys/class/infiniband/${device}/ports`)) {
      const text = tree.text(`sys/class/infiniband/${device}/ports/${port}/gids/0`);
      const gid = isAbsent(text) ? '' : text.trim().replaceAll(':', '');
      if (gid.length === 32 && gid.endsWith(portGuid))
        return gid.startsWith(DEFAULT_PREFIX) ? undefined : gid.slice(0, 16);
    }
  }
  return undefined;
}
