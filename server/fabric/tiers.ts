// How far a switch is from the hosts: 1 has hosts itself, 2 is one switch away from them. Other than by name: names say little.
import type { FabricSweep } from '#agent/contract';

/** A spine with a management host at it stays a spine: a leaf has at least this share of the hosts that leaves usually have. */
const LEAF_SHARE = 0.25;

export function levelsOf({ devices, ports }: FabricSweep): ReadonlyMap<string, number> {
  const kinds = new Map(devices.map(({ guid, kind }) => [guid, kind]));
  const hosts = new Map<string, number>();
  const neighbours = new Map<string, Set<string>>();
  const join = (from: string, to: string): void => {
    if (kinds.get(from) !== 'switch') return;
    if (kinds.get(to) === 'hca') hosts.set(from, (hosts.get(from) ?? 0) + 1);
    else if (kinds.get(to) === 'switch' && from !== to)
      neighbours.set(from, (neighbours.get(from) ?? new Set()).add(to));
  };
  const listed = new Set(ports.filter(({ peer }) => peer !== null).map(({ guid, port }) => `${guid}/${port}`));
  for (const { guid, peer } of ports) {
    if (!peer) continue;
    join(guid, peer.guid);
    // Some listings show a link from one end only.
    if (!listed.has(`${peer.guid}/${peer.port}`)) join(peer.guid, guid);
  }
  return walk(leavesOf(hosts), neighbours);
}

function leavesOf(hosts: ReadonlyMap<string, number>): readonly string[] {
  const counts = [...hosts.values()].toSorted((a, b) => a - b);
  const usual = counts[Math.floor(counts.length / 2)] ?? 0;
  return [...hosts].filter(([, count]) => count >= usual * LEAF_SHARE).map(([guid]) => guid);
}

function walk(
  leaves: readonly string[],
  neighbours: ReadonlyMap<string, ReadonlySet<string>>,
): ReadonlyMap<string, number> {
  const levels = new Map(leaves.map((guid) => [guid, 1]));
  let edge = leaves;
  for (let level = 2; edge.length > 0; level++) {
    const next = new Set(edge.flatMap((guid) => [...(neighbours.get(guid) ?? [])]).filter((guid) => !levels.has(guid)));
    for (const guid of next) levels.set(guid, level);
    edge = [...next];
  }
  return levels;
}
