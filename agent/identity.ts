// Who this agent is: the node's name, and one word per process that tells a reconnect from a second agent.
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { nodeNameSchema, UsageError } from '#agent/contract';
import * as v from 'valibot';
import type { Tree } from './sources/tree.ts';

/** Where a root does not say what its machine is called. */
const NAMELESS = 'unknown';

/** The first label of the host name. Below a root it is the root's, not that of the machine we run on. */
export function readNodeName(tree: Tree): string {
  const full = tree.isHost ? hostname() : (tree.word('proc/sys/kernel/hostname') ?? tree.word('etc/hostname') ?? '');
  const name = full.split('.')[0] ?? '';
  if (v.is(nodeNameSchema, name)) return name;
  if (!tree.isHost) return NAMELESS;
  throw new UsageError(`this machine's name ${JSON.stringify(full)} cannot be a node name: say one with --name NODE`);
}

export function createInstance(): string {
  return randomBytes(12).toString('hex');
}
