// The simulator's door: the simulated Sherlock cluster as a command, and its parts for tests and benches.
import { noGpuSources } from '../collectors/collector.ts';
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { UsageError } from '#agent/contract';
import { CannotStart } from '../cannot-start.ts';
import { startAgent, type RunningAgent } from '../agent.ts';
import { createLog, type Log } from '../log.ts';
import { serveDcgmExporters, type RunningExporters } from './dcgm-exporter.ts';
import { SimulatedCluster, type NodeOnDisk } from './simulated-cluster.ts';
import { FaultWordError } from './wanted-faults.ts';
import { renderSimulateHelp, resolveSimulateConfig, type SimulateConfig } from './settings.ts';

export { serveDcgmExporters, type RunningExporters } from './dcgm-exporter.ts';
export { makeEpisode, type Episode, type Truth } from './episodes/episode.ts';
export type { Quality } from './episodes/quality.ts';
export { RangeError, shiftRanges, type Ranges } from './episodes/ranges.ts';
export { scenarioNames } from './episodes/scenarios.ts';
export { noFaults, planFaults, type FaultPlan } from './faults.ts';
export { MAX_NODES, sherlock, type NodeHardware } from './hardware.ts';
export { prepareScontrol } from './slurm/scontrol.ts';
export { FaultWordError, faultWords, parseWantedFaults } from './wanted-faults.ts';
export { NodeTree, type NodeMoment } from './node-tree.ts';
export { SimulatedCluster, type ClusterOptions, type NodeOnDisk } from './simulated-cluster.ts';
export { SimulatedWorkload, type NodeState } from './workload.ts';

/** Agents get this long to end; the directory goes whether they have or not. */
const AGENTS_END_WITHIN_MS = 300;
const END_WITHIN_MS = 800;
const LOOK_FOR_STARTER_MS = 1000;
/** As an agent does it unless it is told otherwise. */
const SWEEPS = { intervalMs: 10_000, topologyIntervalMs: 300_000 } as const;

/** `simulate --server URL`: runs until it is told to stop or its starter is gone. Gives the exit code. */
export async function runSimulatedCluster(args: readonly string[]): Promise<number> {
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(renderSimulateHelp());
    return 0;
  }
  const config = resolveSimulateConfig(args, process.env);
  const log = createLog('simulator', (line) => process.stderr.write(line));
  const stop = stopSignal();
  const cluster = openCluster(config);
  // Also when something of ours fails.
  process.once('exit', () => {
    cluster.stop();
  });
  const exporters = await serveDcgmExporters(() => cluster.workload.states);
  const agents = startAgents(cluster, exporters, { config, stop });
  const gpus = cluster.workload.nodes.reduce((sum, node) => sum + node.gpus.length, 0);
  log.info('simulating', {
    nodes: cluster.nodes.length,
    gpus,
    seed: config['simulate.seed'],
    below: cluster.directory,
    dcgm_exporters: exporters.address,
  });
  if (!stop.aborted) await once(stop, 'abort');
  endAnyway();
  await Promise.race([stopAll(await agents, exporters), setTimeout(AGENTS_END_WITHIN_MS, undefined, { ref: false })]);
  cluster.stop();
  return 0;
}

function openCluster(config: SimulateConfig): SimulatedCluster {
  try {
    return new SimulatedCluster({
      seed: config['simulate.seed'],
      nodes: config['simulate.nodes'],
      intervalMs: config['simulate.interval'],
      directory: config['simulate.dir'],
      faults: config['simulate.faults'],
      wanted: config['simulate.fault']?.split(',') ?? [],
      slurm: config['simulate.slurm'],
    });
  } catch (error) {
    if (error instanceof FaultWordError) throw new UsageError(error.message);
    if (!(error instanceof Error && 'syscall' in error)) throw error;
    throw new CannotStart(`the simulated nodes cannot be written: ${error.message}`, { cause: error });
  }
}

/** One after the other, each in the middle of an interval: its readings stay there. */
async function startAgents(
  cluster: SimulatedCluster,
  exporters: RunningExporters,
  { config, stop }: { readonly config: SimulateConfig; readonly stop: AbortSignal },
): Promise<readonly RunningAgent[]> {
  const agents: RunningAgent[] = [];
  cluster.start();
  for (const node of cluster.nodes) {
    await setTimeout(cluster.untilReadableMs(), undefined, { signal: stop }).catch(() => undefined);
    if (stop.aborted) break;
    agents.push(await startNodeAgent(node, exporters.urlOf(node.name), { config, stop }));
  }
  return agents;
}

function startNodeAgent(
  { name, root, nvidiaSmi, fabricTools }: NodeOnDisk,
  dcgmExporter: string,
  { config, stop }: { readonly config: SimulateConfig; readonly stop: AbortSignal },
): Promise<RunningAgent> {
  return startAgent({
    node: name,
    root,
    gpuSources: { ...noGpuSources, nvidiaSmi, dcgmExporter },
    server: config['simulate.server'],
    intervalMs: config['simulate.interval'],
    listen: undefined,
    compat: [],
    inventoryProbe: undefined,
    fabric: fabricTools === undefined ? undefined : { tools: fabricTools, ...SWEEPS, env: {} },
    log: warningsOf(name, stop),
  });
}

/** What every node has is told sixteen times over; only what goes wrong is news, and not that files go at the end. */
function warningsOf(node: string, stop: AbortSignal): Log {
  const log = createLog(node, (line) => {
    if (!stop.aborted) process.stderr.write(line);
  });
  return { ...log, info: () => undefined };
}

async function stopAll(agents: readonly RunningAgent[], exporters: RunningExporters): Promise<void> {
  await Promise.allSettled([...agents.map((agent) => agent.stop()), exporters.close()]);
}

function stopSignal(): AbortSignal {
  const controller = new AbortController();
  const stop = (): void => {
    controller.abort();
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  process.once('SIGHUP', stop);
  // A simulator whose starter was killed would report to nobody for ever.
  const starter = process.ppid;
  setInterval(() => {
    if (process.ppid !== starter) stop();
  }, LOOK_FOR_STARTER_MS).unref();
  return controller.signal;
}

function endAnyway(): void {
  const end = (): void => {
    process.exit(0);
  };
  globalThis.setTimeout(end, END_WITHIN_MS).unref();
}
