// One agent: reads its node on every tick and gives what it read to a server, to its own page, or both.
import type { Owners } from '#agent/contract';
import { systemClock, type Clock } from './clock.ts';
import type { GpuProcesses, GpuSources } from './collectors/collector.ts';
import type { InfinibandSettings } from './collectors/infiniband/settings.ts';
import { ChildCosts } from './child-costs.ts';
import { collectors } from './collectors/index.ts';
import { createCommandRunner, type CommandRunner } from './command.ts';
import { renderCompat } from './compat/index.ts';
import { TextPage } from './exposition.ts';
import { createInstance } from './identity.ts';
import { InventoryKeeper, type InventoryProbe } from './inventory.ts';
import { serveMetrics, type ListenAddress, type RunningPages } from './listen.ts';
import type { FabricSweeper } from './fabric/fabric-sweeper.ts';
import type { FabricOptions } from './fabric/start-fabric.ts';
import type { Log } from './log.ts';
import type { OwnerOptions, RunningOwners } from './owners/start-owners.ts';
import { createNodeReaders } from './node-readers.ts';
import { Scheduler } from './scheduler.ts';
import { SelfMetrics } from './self.ts';
import { Snapshot } from './snapshot.ts';
import { Tree } from './sources/tree.ts';
import { deliveryOf, type DeliveryOptions } from './uplink/delivery.ts';
import type { Uplink } from './uplink/uplink.ts';

export interface AgentOptions {
  readonly node: string;
  readonly root: string;
  readonly intervalMs: number;
  /** URL of the server, several separated by commas; undefined for a plain exporter. */
  readonly server: string | undefined;
  readonly delivery?: DeliveryOptions;
  readonly listen: ListenAddress | undefined;
  readonly gpuSources: GpuSources;
  readonly infiniband?: InfinibandSettings | undefined;
  /** Compatibility pages that are always part of the own page. */
  readonly compat: readonly string[];
  /** Asks the host for its inventory; undefined below a root. */
  readonly inventoryProbe: InventoryProbe | undefined;
  /** Also sweep the subnet that this node can see. */
  readonly fabric?: FabricOptions | undefined;
  /** Also tell the server who has the GPUs; left out: only by what is in the tree. */
  readonly owners?: OwnerOptions | undefined;
  readonly log: Log;
  readonly clock?: Clock;
}

export interface RunningAgent {
  /** Where its own page is, if it has one. */
  readonly listening: ListenAddress | undefined;
  stop(): Promise<void>;
}

/** Throws CannotStart if its address is not to be had. */
export async function startAgent(options: AgentOptions): Promise<RunningAgent> {
  const { node, intervalMs, log, clock = systemClock } = options;
  const tree = new Tree(options.root);
  const snapshot = new Snapshot();
  const commands = createCommandRunner();
  const pages = await openPages(options, tree, snapshot);
  const self = new SelfMetrics(snapshot);
  const children = new ChildCosts(snapshot, commands);
  const inventory = new InventoryKeeper({ tree, clock, log, probe: options.inventoryProbe });
  const held: { owners?: RunningOwners | undefined } = {};
  const uplink = await createUplink(options, { snapshot, clock, inventory, owners: () => held.owners?.watch.owners });
  held.owners = uplink && (await createOwners(options, { tree, commands, clock, uplink }));
  const onGpuProcesses = (gpus: readonly GpuProcesses[]): void => held.owners?.watch.take(gpus);
  const readers = createNodeReaders({ ...options, collectors, tree, snapshot, commands, clock, onGpuProcesses });
  const scheduler = new Scheduler({
    ...{ clock, intervalMs, readers },
    onSample: (timeMs) => {
      self.read();
      children.read();
      uplink?.sample(timeMs);
    },
  });
  log.info('reading', { node, every_ms: intervalMs });
  const fabric = await createFabric(options, { commands, clock, uplink });
  uplink?.start();
  scheduler.start();
  inventory.start((found) => uplink?.describe(found));
  return {
    listening: pages?.address,
    stop: async () => {
      inventory.stop();
      fabric?.stop();
      held.owners?.stop();
      await Promise.allSettled([scheduler.stop(), pages?.close(), uplink?.stop()]);
      commands.stopAll();
      tree.close();
    },
  };
}

function openPages(options: AgentOptions, tree: Tree, snapshot: Snapshot): Promise<RunningPages> | undefined {
  if (!options.listen) return undefined;
  const page = new TextPage(snapshot, options.node);
  return serveMetrics(options.listen, {
    metrics: (format) => page.render(format),
    compat: (name) => renderCompat(name, { tree, snapshot, node: options.node, infiniband: options.infiniband }),
    defaultCompat: options.compat,
  });
}

async function createFabric(
  { fabric, log }: AgentOptions,
  parts: { readonly commands: CommandRunner; readonly clock: Clock; readonly uplink: Uplink | undefined },
): Promise<FabricSweeper | undefined> {
  if (!fabric) return undefined;
  const { startFabric } = await import('./fabric/start-fabric.ts');
  const { commands, clock, uplink } = parts;
  return startFabric(fabric, { commands, clock, log, onSweep: (sweep) => uplink?.fabric(sweep) });
}

async function createOwners(
  { owners = { podSocket: undefined, hintFolders: [], nvidiaSmi: undefined }, log }: AgentOptions,
  parts: { readonly tree: Tree; readonly commands: CommandRunner; readonly clock: Clock; readonly uplink: Uplink },
): Promise<RunningOwners> {
  // Loaded only where it is used, as the uplink is.
  const { startOwners } = await import('./owners/start-owners.ts');
  const { tree, commands, clock, uplink } = parts;
  return startOwners(owners, {
    ...{ tree, commands, clock, log },
    onTell: (told) => {
      uplink.own(told);
    },
  });
}

async function createUplink(
  { server, delivery, node, intervalMs, log }: AgentOptions,
  parts: {
    readonly snapshot: Snapshot;
    readonly clock: Clock;
    readonly inventory: InventoryKeeper;
    readonly owners: () => Owners | undefined;
  },
): Promise<Uplink | undefined> {
  if (server === undefined) return undefined;
  // Loaded only where it is used: it is half of the program.
  const { Uplink } = await import('./uplink/uplink.ts');
  const { snapshot, clock, inventory, owners } = parts;
  return new Uplink({
    ...{ server, node, intervalMs, log, snapshot, clock },
    ...deliveryOf(delivery, node),
    instance: createInstance(),
    inventory: () => inventory.inventory,
    owners,
    random: Math.random,
  });
}
