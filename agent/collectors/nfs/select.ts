// Which entries of mountstats are counted: the kernel counts per file system and prints that once for each of its mounts.
import type { NfsMount } from '../../parse/mountstats.ts';

/** By mountpoint: the numbers of the file systems mounted there, one over another. */
export type DeviceNumbers = ReadonlyMap<string, readonly string[]>;

/** Each file system once, under its first mountpoint; of what is mounted over at one mountpoint, what is seen there. */
export function selectMounts(mounts: readonly NfsMount[], numbers: DeviceNumbers): readonly NfsMount[] {
  const layers = new Map<string, number>();
  const first = new Map<string, NfsMount>();
  for (const mount of mounts) {
    const layer = layers.get(mount.mountpoint) ?? 0;
    layers.set(mount.mountpoint, layer + 1);
    const filesystem = numbers.get(mount.mountpoint)?.[layer] ?? `${mount.export} ${mount.connection}`;
    if (!first.has(filesystem)) first.set(filesystem, mount);
  }
  return [...new Map([...first.values()].map((mount) => [`${mount.export}\0${mount.mountpoint}`, mount])).values()];
}
