// Which server an agent turns to first, second and so on.
import { createHash } from 'node:crypto';

export type ServerOrder = 'shared' | 'listed';

/**
 * `listed`: as they were named. `shared`: by the hash of node and server (rendezvous hashing), so that the nodes of a
 * fleet spread evenly over its servers, each node always in its own order, and a server that goes moves only its own nodes.
 */
export function orderServers(servers: readonly string[], node: string, order: ServerOrder): readonly string[] {
  if (order === 'listed') return servers;
  const weight = (server: string): string => createHash('sha256').update(`${server}\u0000${node}`).digest('hex');
  return servers
    .map((server) => ({ server, weight: weight(server) }))
    .toSorted((a, b) => (a.weight < b.weight ? -1 : 1))
    .map(({ server }) => server);
}
