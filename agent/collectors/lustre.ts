// Lustre as its client counts it: llite stats in debugfs, on older clients in proc. Lustre manual, "llite".
import { AreaPresence } from './area.ts';
import type { Collector, CollectorContext, Reader, ReadLane, ReadResult } from './collector.ts';
import { findLustre } from './lustre/find.ts';
import { LustreFilesystem } from './lustre/filesystem.ts';

export const lustre: Collector = { area: 'lustre', start: (context) => new LustreReader(context) };

class LustreReader implements Reader {
  readonly #context: CollectorContext;
  readonly #presence: AreaPresence;
  readonly #filesystems = new Map<string, LustreFilesystem>();

  constructor(context: CollectorContext) {
    this.#context = context;
    this.#presence = new AreaPresence('lustre', context);
  }

  discover(): void {
    const found = findLustre(this.#context.tree);
    for (const name of this.#filesystems.keys()) if (!found.has(name)) this.#remove(name);
    for (const [name, clients] of found) {
      const known = this.#filesystems.get(name);
      if (known?.signature === JSON.stringify(clients)) continue;
      this.#remove(name);
      const filesystem = new LustreFilesystem(this.#context, name, clients);
      this.#filesystems.set(name, filesystem);
      filesystem.read();
    }
    this.#presence.set(found.size > 0 ? undefined : 'not_present');
  }

  read(lane: ReadLane): ReadResult {
    if (lane !== 'medium') return 'ok';
    let result: ReadResult = 'ok';
    for (const filesystem of this.#filesystems.values()) if (!filesystem.read()) result = 'rediscover';
    return result;
  }

  stop(): void {
    for (const name of this.#filesystems.keys()) this.#remove(name);
    this.#presence.remove();
  }

  #remove(name: string): void {
    this.#filesystems.get(name)?.remove();
    this.#filesystems.delete(name);
  }
}
