// One node's tree, its snapshot, and a reader per collector: what `agent` and `sample` have in common.
import { AreaReader } from './area-reader.ts';
import type { Clock } from './clock.ts';
import type { Collector, CollectorContext, GpuProcesses, GpuSources } from './collectors/collector.ts';
import type { InfinibandSettings } from './collectors/infiniband/settings.ts';
import type { CommandRunner } from './command.ts';
import type { Log } from './log.ts';
import type { Snapshot } from './snapshot.ts';
import type { Tree } from './sources/tree.ts';

const LEAST_DEADLINE_MS = 3000;

export interface NodeReadersOptions {
  readonly collectors: readonly Collector[];
  readonly tree: Tree;
  readonly snapshot: Snapshot;
  /** Starts programs on the machine that the tree is of; undefined where none may be started. */
  readonly commands: CommandRunner | undefined;
  readonly gpuSources: GpuSources;
  readonly infiniband?: InfinibandSettings | undefined;
  readonly intervalMs: number;
  readonly clock: Clock;
  readonly log: Log;
  /** Also told which processes hold which GPU, whenever they are read. */
  readonly onGpuProcesses?: ((gpus: readonly GpuProcesses[]) => void) | undefined;
}

export function createNodeReaders(options: NodeReadersOptions): readonly AreaReader[] {
  const { collectors, snapshot, clock, log, intervalMs } = options;
  const held: HeldGpus = { gpus: [] };
  return collectors.map(
    (collector) =>
      new AreaReader({
        area: collector.area,
        reader: collector.start(contextOf(collector, options, held)),
        ...{ snapshot, clock, log },
        deadlineMs: Math.max(LEAST_DEADLINE_MS, 3 * intervalMs),
      }),
  );
}

/** Which processes hold which GPU: told by one collector, read by another. */
interface HeldGpus {
  gpus: readonly GpuProcesses[];
}

function contextOf({ area }: Collector, options: NodeReadersOptions, held: HeldGpus): CollectorContext {
  const { tree, snapshot, commands, gpuSources, infiniband, intervalMs, clock, log } = options;
  // Below a root no program of the host may be asked, except those that were named to read GPUs with.
  const mayStartPrograms = tree.isHost || tree.via === 'ssh' || area === 'gpu';
  return {
    ...{ tree, snapshot, gpuSources, infiniband, intervalMs, log },
    commands: mayStartPrograms ? commands : undefined,
    monotonicMs: () => clock.monotonicMs(),
    after: (delayMs, call) => clock.after(delayMs, call),
    gpuProcesses: () => held.gpus,
    tellGpuProcesses: (gpus) => {
      held.gpus = gpus;
      options.onGpuProcesses?.(gpus);
    },
  };
}
