// `whyidle agent`: runs until it is told to stop, and then ends whatever hangs.
import { startAgent } from './agent.ts';
import type { AgentConfig } from './config.ts';
import { readNodeName } from './identity.ts';
import type { Log } from './log.ts';
import { createInventoryProbe } from './probe/inventory-probe.ts';
import { Tree } from './sources/tree.ts';

/** Ctrl-C must end everything within 2 s. */
const END_WITHIN_MS = 1500;

export async function runUntilStopped(config: AgentConfig, log: Log): Promise<void> {
  const stopped = untilStopped();
  const tree = new Tree(config['agent.root']);
  const agent = await startAgent({
    node: config['agent.name'] ?? readNodeName(tree),
    root: config['agent.root'],
    intervalMs: config['agent.interval'],
    server: config['agent.server'],
    listen: config['agent.listen'],
    gpuSources: config.gpuSources,
    infiniband: config.infiniband,
    compat: config['agent.compat'],
    inventoryProbe: tree.isHost ? createInventoryProbe(inventoryWorker()) : undefined,
    log,
  });
  if (agent.listening) {
    const { host, port } = agent.listening;
    log.info(`readings are at http://${host.includes(':') ? `[${host}]` : host}:${port}/metrics`);
  }
  await stopped;
  endAnyway();
  await agent.stop();
  if (process.connected) process.disconnect();
}

function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    const stop = (): void => {
      resolve();
    };
    process.once('SIGINT', stop);
    process.once('SIGTERM', stop);
    // Started by a server for its own machine: without that server there is nothing to do.
    process.once('disconnect', stop);
  });
}

/** A hung reading keeps the event loop alive and even holds process.exit up; the kernel ends it. */
function endAnyway(): void {
  setTimeout(() => {
    process.kill(process.pid, 'SIGKILL');
  }, END_WITHIN_MS).unref();
}

/** Beside the bundle's entry, or the source where we run from source. */
function inventoryWorker(): URL {
  const here = import.meta.url;
  if (here.endsWith('.ts')) return new URL('probe/inventory-worker.ts', here);
  return new URL(here.includes('/chunks/') ? '../inventory-worker.js' : 'inventory-worker.js', here);
}
