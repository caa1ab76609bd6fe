// Mounted file systems: proc/self/mountinfo, and their capacity through stat(1) in a child with a deadline,
// because statfs of a dead mount never returns.
import { absent, isAbsent, type Absence } from '#agent/contract';
import { parseMountInfo, type Mount } from '../parse/mountinfo.ts';
import { AreaPresence } from './area.ts';
import { readDiskGraph } from './block/graph.ts';
import type { Collector, CollectorContext, Reader, ReadLane, ReadResult } from './collector.ts';
import { CapacityReader } from './mounts/capacity.ts';
import { disksOfMount } from './mounts/disks.ts';
import { Filesystem } from './mounts/filesystem.ts';
import { selectFilesystems } from './mounts/filesystems.ts';
import { ParsedFile } from './parsed-file.ts';
import { withinTime } from './within-time.ts';

export const mounts: Collector = { area: 'mounts', start: (context) => new MountsReader(context) };

/** How long a reading waits for answers; what comes later is entered when it comes. */
const WAIT_MS = 700;

/** proc/self of a recorded tree may be missing: then what its first process saw. */
const SOURCES = ['proc/self/mountinfo', 'proc/1/mountinfo'];

class MountsReader implements Reader {
  readonly #context: CollectorContext;
  readonly #presence: AreaPresence;
  readonly #capacities: CapacityReader | undefined;
  readonly #filesystems = new Map<string, Filesystem>();
  #mountInfo: ParsedFile<readonly Mount[]> | undefined;

  constructor(context: CollectorContext) {
    this.#context = context;
    this.#presence = new AreaPresence('mounts', context);
    this.#capacities = context.commands && new CapacityReader(context.commands);
  }

  discover(): void {
    const read = this.#readMounts();
    if (isAbsent(read)) {
      this.#clear();
      this.#presence.set(read.reason);
      return;
    }
    const { tree, snapshot } = this.#context;
    const graph = readDiskGraph(tree);
    const found = new Map(
      selectFilesystems(read).map((mount) => {
        const disks = disksOfMount(tree, graph, mount);
        return [JSON.stringify([mount, disks]), { mount, disks }] as const;
      }),
    );
    for (const key of this.#filesystems.keys()) if (!found.has(key)) this.#remove(key);
    for (const [key, filesystem] of found) {
      if (!this.#filesystems.has(key)) this.#filesystems.set(key, new Filesystem(snapshot.group(), filesystem));
    }
    this.#presence.set(found.size > 0 ? undefined : 'not_present');
  }

  read(lane: ReadLane): ReadResult | Promise<ReadResult> {
    return lane === 'slow' ? this.#readSlow() : 'ok';
  }

  stop(): void {
    this.#clear();
    this.#mountInfo?.close();
    this.#presence.remove();
  }

  async #readSlow(): Promise<ReadResult> {
    this.discover();
    await this.#readCapacities();
    return 'ok';
  }

  #readMounts(): readonly Mount[] | Absence {
    const path = SOURCES.find((source) => this.#context.tree.exists(source));
    if (path !== undefined) this.#mountInfo ??= new ParsedFile(this.#context, path, { parse: parseText });
    this.#mountInfo?.reopen();
    return this.#mountInfo?.read() ?? absent('not_present');
  }

  async #readCapacities(): Promise<void> {
    const filesystems = [...this.#filesystems.values()];
    if (!this.#capacities) {
      for (const filesystem of filesystems) filesystem.set({ kind: 'unknown', reason: 'unsupported' });
      return;
    }
    await withinTime(WAIT_MS, this.#capacities.read(filesystems));
  }

  #clear(): void {
    for (const key of this.#filesystems.keys()) this.#remove(key);
  }

  #remove(key: string): void {
    const filesystem = this.#filesystems.get(key);
    if (filesystem) this.#context.snapshot.remove(filesystem.group);
    this.#filesystems.delete(key);
  }
}

function parseText(bytes: Buffer, source: string): readonly Mount[] {
  return parseMountInfo(bytes.toString('utf8'), source);
}
