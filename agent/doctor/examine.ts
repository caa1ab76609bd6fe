// One reading of the node as `sample` takes it, and the direct looks that go with it: the facts.
import { systemClock } from '../clock.ts';
import type { Collector, GpuSources } from '../collectors/collector.ts';
import type { InfinibandSettings } from '../collectors/infiniband/settings.ts';
import { createCommandRunner } from '../command.ts';
import type { Environment } from '../config.ts';
import type { Log } from '../log.ts';
import { createNodeReaders } from '../node-readers.ts';
import { Scheduler } from '../scheduler.ts';
import { Snapshot } from '../snapshot.ts';
import type { Tree } from '../sources/tree.ts';
import { readFailed, readInfiniband, readMounts, readNvme } from './collect/device-facts.ts';
import { readGpuFacts, type Said } from './collect/gpu-facts.ts';
import { SeriesFacts } from './collect/series-facts.ts';
import { readKernelLog, readPressure, readProcesses, readSystem } from './collect/system-facts.ts';
import type { NodeFacts } from './facts.ts';

export interface Examination {
  readonly tree: Tree;
  readonly collectors: readonly Collector[];
  readonly gpuSources: GpuSources;
  readonly infiniband?: InfinibandSettings | undefined;
  readonly env: Environment;
}

const INTERVAL_MS = 1000;
/** Rates, and what profiling counts, need a second and a third look. */
const LOOKS = 3;

export async function examineNode(examination: Examination): Promise<NodeFacts> {
  const { tree, gpuSources, env } = examination;
  const snapshot = new Snapshot();
  const commands = createCommandRunner();
  const said: Said[] = [];
  const log = listenTo(said);
  const clock = systemClock;
  const readers = createNodeReaders({
    ...examination,
    ...{ snapshot, commands, clock, log },
    intervalMs: INTERVAL_MS,
  });
  const scheduler = new Scheduler({ clock, intervalMs: INTERVAL_MS, readers, onSample: () => undefined });
  for (let look = 0; look < LOOKS; look++) {
    if (look > 0) await pause();
    await scheduler.readAll();
  }
  const series = new SeriesFacts(snapshot);
  const facts = collectFacts(tree, series, { gpuSources, env, said });
  await scheduler.stop();
  commands.stopAll();
  return facts;
}

function collectFacts(
  tree: Tree,
  series: SeriesFacts,
  { gpuSources, env, said }: Pick<Examination, 'gpuSources' | 'env'> & { readonly said: readonly Said[] },
): NodeFacts {
  return {
    system: readSystem(tree),
    gpu: readGpuFacts({ tree, series, sources: gpuSources, env, said }),
    kernelLog: readKernelLog(tree),
    infiniband: readInfiniband(tree, series),
    nvme: readNvme(tree, series),
    mounts: readMounts(series),
    pressure: readPressure(tree),
    processes: readProcesses(tree),
    failed: readFailed(series),
    metrics: series.present,
  };
}

/** Keeps what sources say of their failures: people get it as the reason. */
function listenTo(said: Said[]): Log {
  return {
    info: () => undefined,
    warn: (what, details = {}) => {
      const { message } = details;
      if (typeof message === 'string') said.push({ what, message });
    },
  };
}

function pause(): Promise<void> {
  return new Promise((resolve) => {
    systemClock.after(INTERVAL_MS, resolve);
  });
}
