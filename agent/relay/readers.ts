// The collectors of one node that is read over SSH: which of them, and what is due after each round.
import type { AreaReader } from '../area-reader.ts';
import type { Clock } from '../clock.ts';
import type { Collector, GpuSources, ReadLane } from '../collectors/collector.ts';
import { noGpuSources } from '../collectors/collector.ts';
import { collectors } from '../collectors/index.ts';
import type { CommandRunner } from '../command.ts';
import { silentLog, type Log } from '../log.ts';
import { createNodeReaders } from '../node-readers.ts';
import { Snapshot } from '../snapshot.ts';
import type { RemoteTree } from '../sources/remote-tree.ts';

/** They look at every process, several times a second: too much for a shell. */
const leftOut: ReadonlySet<string> = new Set(['process', 'jobs']);
const remoteCollectors: readonly Collector[] = collectors.filter(({ area }) => !leftOut.has(area));

/** Rounds are 5 s apart: every round reads the medium lane, every sixth the slow one. */
export const SLOW_EVERY = 6;

export interface RemoteReadersOptions {
  readonly tree: RemoteTree;
  readonly snapshot: Snapshot;
  readonly commands: CommandRunner;
  readonly gpuSources: GpuSources;
  readonly intervalMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

export class RemoteReaders {
  readonly #readers: readonly AreaReader[];

  constructor(options: RemoteReadersOptions) {
    this.#readers = createNodeReaders({ ...options, collectors: remoteCollectors });
  }

  /** Reads what is due after a round; a reading that waits goes on by itself. */
  tick(full: boolean): void {
    const due: readonly ReadLane[] = full ? ['fast', 'medium', 'slow'] : ['fast', 'medium'];
    for (const reader of this.#readers) reader.tick(due);
  }

  async settled(): Promise<void> {
    await Promise.all(this.#readers.map((reader) => reader.settled()));
  }

  rediscover(): void {
    for (const reader of this.#readers) reader.rediscover();
  }

  async stop(): Promise<void> {
    await Promise.allSettled(this.#readers.map((reader) => reader.stop()));
  }
}

/** Lets the collectors ask all that they would ask, for nothing but the questions. */
export async function rehearse({
  tree,
  clock,
  intervalMs,
}: Pick<RemoteReadersOptions, 'tree' | 'clock' | 'intervalMs'>): Promise<void> {
  const readers = createNodeReaders({
    ...{ tree, clock, intervalMs, collectors: remoteCollectors, log: silentLog },
    ...{ snapshot: new Snapshot(), commands: undefined, gpuSources: noGpuSources },
  });
  for (const reader of readers) reader.tick(['fast', 'medium', 'slow']);
  await Promise.all(readers.map((reader) => reader.settled()));
  await Promise.allSettled(readers.map((reader) => reader.stop()));
}
