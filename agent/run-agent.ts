// `whyidle agent`: runs until it is told to stop, and then ends whatever hangs.
import { readFileSync } from 'node:fs';
import { startAgent } from './agent.ts';
import { CannotStart } from './cannot-start.ts';
import type { AgentConfig } from './config.ts';
import { readNodeName } from './identity.ts';
import type { FabricOptions } from './fabric/start-fabric.ts';
import type { Log } from './log.ts';
import { createInventoryProbe } from './probe/inventory-probe.ts';
import { Tree } from './sources/tree.ts';
import type { DeliveryOptions } from './uplink/delivery.ts';

/** Ctrl-C must end everything within 2 s. */
const END_WITHIN_MS = 1500;

export async function runUntilStopped(config: AgentConfig, log: Log): Promise<void> {
  const stopped = untilStopped();
  const { 'agent.relay': relay, 'agent.server': server } = config;
  const agent =
    relay !== undefined && server !== undefined
      ? await relayNodes(relay, server, { delivery: deliveryOptionsOf(config), log })
      : await readThisNode(config, log);
  await stopped;
  endAnyway();
  await agent.stop();
  if (process.connected) process.disconnect();
}

async function relayNodes(
  file: string,
  server: string,
  { delivery, log }: { readonly delivery: DeliveryOptions; readonly log: Log },
): Promise<{ stop(): Promise<void> }> {
  // Loaded only where it is used, as the uplink is.
  const [{ readRelayConfig }, { startRelay }] = await Promise.all([import('./relay/config.ts'), import('./relay.ts')]);
  return startRelay({ ...readRelayConfig(file), server, delivery, log });
}

async function readThisNode(config: AgentConfig, log: Log): Promise<{ stop(): Promise<void> }> {
  const tree = new Tree(config['agent.root']);
  const agent = await startAgent({
    node: config['agent.name'] ?? readNodeName(tree),
    root: config['agent.root'],
    intervalMs: config['agent.interval'],
    server: config['agent.server'],
    delivery: deliveryOptionsOf(config),
    listen: config['agent.listen'],
    gpuSources: config.gpuSources,
    infiniband: config.infiniband,
    compat: config['agent.compat'],
    fabric:
      config['fabric.enabled'] && (tree.isHost || config['fabric.tools'] !== undefined)
        ? fabricOptionsOf(config)
        : undefined,
    owners: {
      podSocket: tree.isHost && config['agent.pod_resources'] !== 'off' ? config['agent.pod_resources'] : undefined,
      hintFolders: config['agent.job_mapping'],
      nvidiaSmi: config.gpuSources.nvidiaSmi,
    },
    inventoryProbe: tree.isHost ? createInventoryProbe(inventoryWorker()) : undefined,
    log,
  });
  if (agent.listening) {
    const { host, port } = agent.listening;
    log.info(`readings are at http://${host.includes(':') ? `[${host}]` : host}:${port}/metrics`);
  }
  return agent;
}

function deliveryOptionsOf(config: AgentConfig): DeliveryOptions {
  return {
    state: config['agent.state'],
    spoolCapBytes: config['agent.spool_cap'],
    serverOrder: config['agent.server_order'],
    failbackMs: config['agent.failback'],
    ca: readAuthority(config['agent.ca_file']),
  };
}

function readAuthority(file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new CannotStart(`--ca: ${file} cannot be read: ${String(error)}`, { cause: error });
  }
}

function fabricOptionsOf(config: AgentConfig): FabricOptions {
  return {
    tools: config['fabric.tools'],
    intervalMs: config['fabric.interval'],
    topologyIntervalMs: config['fabric.topology_interval'],
    env: process.env,
  };
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
