// Disks: leaf whole disks by sys/block/DEV/stat, md and dm as views of them. Documentation/block/stat.rst.
import { BlockStatParser } from '../parse/block-stat.ts';
import type { SeriesGroup } from '../snapshot.ts';
import { AreaPresence } from './area.ts';
import { Disk, signatureOf } from './block/disk.ts';
import { describeDisk } from './block/facts.ts';
import { readDiskGraph, type DiskGraph, type LeafDisk } from './block/graph.ts';
import type { Collector, CollectorContext, Reader, ReadLane, ReadResult } from './collector.ts';

export const block: Collector = { area: 'block', start: (context) => new BlockReader(context) };

class BlockReader implements Reader {
  readonly #context: CollectorContext;
  readonly #presence: AreaPresence;
  readonly #parser = new BlockStatParser();
  readonly #disks = new Map<string, Disk>();
  /** Disks that were here and are not, with the series that say so. */
  readonly #missing = new Map<string, SeriesGroup>();
  readonly #views: SeriesGroup;
  #viewsWritten = '';

  constructor(context: CollectorContext) {
    this.#context = context;
    this.#presence = new AreaPresence('block', context);
    this.#views = context.snapshot.group();
  }

  discover(): void {
    const graph = readDiskGraph(this.#context.tree);
    const names = new Set(graph.leaves.map(({ name }) => name));
    for (const name of this.#disks.keys()) if (!names.has(name)) this.#lose(name);
    for (const disk of graph.leaves) this.#meet(disk);
    this.#writeViews(graph);
    this.#presence.set(this.#disks.size > 0 || this.#missing.size > 0 ? undefined : 'not_present');
  }

  read(lane: ReadLane): ReadResult {
    switch (lane) {
      case 'fast':
        return this.#readStats();
      case 'medium':
        return 'ok';
      case 'slow':
        for (const disk of this.#disks.values()) disk.readSize();
        return 'ok';
    }
  }

  stop(): void {
    for (const disk of this.#disks.values()) disk.remove();
    this.#disks.clear();
    for (const group of [...this.#missing.values(), this.#views]) this.#context.snapshot.remove(group);
    this.#presence.remove();
  }

  #readStats(): ReadResult {
    let result: ReadResult = 'ok';
    for (const disk of this.#disks.values()) if (!disk.readStat()) result = 'rediscover';
    return result;
  }

  #meet(found: LeafDisk): void {
    const { log, snapshot, tree } = this.#context;
    const missing = this.#missing.get(found.name);
    if (missing) {
      log.info('disk is back', { device: found.name });
      snapshot.remove(missing);
      this.#missing.delete(found.name);
    }
    const facts = describeDisk(tree, found);
    const known = this.#disks.get(found.name);
    if (known?.signature === signatureOf(found, facts)) {
      known.reopen();
      return;
    }
    known?.remove();
    const disk = new Disk(this.#context, this.#parser, { disk: found, facts, before: known });
    this.#disks.set(found.name, disk);
    // A series that waits for its lane would look absent.
    disk.readStat();
    disk.readSize();
  }

  #lose(name: string): void {
    this.#context.log.warn('disk is gone', { device: name });
    this.#disks.get(name)?.remove();
    this.#disks.delete(name);
    const group = this.#context.snapshot.group();
    group.unavailable('block', name, 'not_present');
    this.#missing.set(name, group);
  }

  #writeViews({ views }: DiskGraph): void {
    const text = JSON.stringify(views);
    if (text === this.#viewsWritten) return;
    this.#viewsWritten = text;
    this.#views.clear();
    for (const { name, members } of views) {
      for (const member of members) this.#views.info('disk_member_info', { device: name, member });
    }
  }
}
