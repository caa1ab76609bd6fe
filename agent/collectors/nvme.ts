// NVMe controllers and the paths of multipath disks: sys/class/nvme, sys/class/nvme-subsystem. nvme-multipath.rst.
import type { SeriesGroup } from '../snapshot.ts';
import { AreaPresence } from './area.ts';
import type { Collector, CollectorContext, Reader, ReadLane, ReadResult } from './collector.ts';
import { NvmeController } from './nvme/controller.ts';
import { findControllers } from './nvme/devices.ts';
import { describeController } from './nvme/facts.ts';
import { findMultipaths, MultipathDisk } from './nvme/multipath.ts';

export const nvme: Collector = { area: 'nvme', start: (context) => new NvmeReader(context) };

class NvmeReader implements Reader {
  readonly #context: CollectorContext;
  readonly #presence: AreaPresence;
  readonly #controllers = new Map<string, NvmeController>();
  /** Controllers that were here and are not, with the series that say so. */
  readonly #missing = new Map<string, SeriesGroup>();
  readonly #multipaths = new Map<string, MultipathDisk>();

  constructor(context: CollectorContext) {
    this.#context = context;
    this.#presence = new AreaPresence('nvme', context);
  }

  discover(): void {
    const found = findControllers(this.#context.tree);
    for (const name of this.#controllers.keys()) if (!found.has(name)) this.#lose(name);
    for (const [name, path] of found) this.#meet(name, path);
    this.#findMultipaths();
    this.#presence.set(this.#controllers.size > 0 || this.#missing.size > 0 ? undefined : 'not_present');
  }

  read(lane: ReadLane): ReadResult {
    switch (lane) {
      case 'fast':
        return 'ok';
      case 'medium':
        return this.#readStates();
      case 'slow':
        for (const controller of this.#controllers.values()) controller.readSlow();
        return 'ok';
    }
  }

  stop(): void {
    const { snapshot } = this.#context;
    for (const one of [...this.#controllers.values(), ...this.#multipaths.values()]) snapshot.remove(one.group);
    for (const group of this.#missing.values()) snapshot.remove(group);
    this.#controllers.clear();
    this.#multipaths.clear();
    this.#presence.remove();
  }

  #readStates(): ReadResult {
    let result: ReadResult = 'ok';
    for (const controller of this.#controllers.values()) if (!controller.readState()) result = 'rediscover';
    for (const multipath of this.#multipaths.values()) multipath.read();
    return result;
  }

  #meet(name: string, path: string): void {
    const { log, snapshot, tree } = this.#context;
    const missing = this.#missing.get(name);
    if (missing) {
      log.info('NVMe controller is back', { controller: name });
      snapshot.remove(missing);
      this.#missing.delete(name);
    }
    const facts = describeController(tree, name, path);
    const known = this.#controllers.get(name);
    if (known?.signature === JSON.stringify(facts)) return;
    if (known) snapshot.remove(known.group);
    const controller = new NvmeController(this.#context, facts);
    this.#controllers.set(name, controller);
    // A series that waits for its lane would look absent.
    controller.readState();
    controller.readSlow();
  }

  #lose(name: string): void {
    const { log, snapshot } = this.#context;
    log.warn('NVMe controller is gone', { controller: name });
    const known = this.#controllers.get(name);
    if (known) snapshot.remove(known.group);
    this.#controllers.delete(name);
    const group = snapshot.group();
    group.unavailable('nvme', name, 'not_present');
    this.#missing.set(name, group);
  }

  /** Paths are found anew each time; only a disk that appears or goes changes the set of series. */
  #findMultipaths(): void {
    const { snapshot, tree } = this.#context;
    const found = findMultipaths(tree);
    for (const [device, disk] of this.#multipaths) {
      if (found.has(device)) continue;
      snapshot.remove(disk.group);
      this.#multipaths.delete(device);
    }
    for (const [device, paths] of found) {
      const disk = this.#multipaths.get(device) ?? new MultipathDisk(tree, snapshot.group(), device);
      this.#multipaths.set(device, disk);
      disk.setPaths(paths);
      disk.read();
    }
  }
}
