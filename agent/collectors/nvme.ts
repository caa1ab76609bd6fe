// NVMe controllers, their health, and the paths of multipath disks: sys/class/nvme, sys/class/nvme-subsystem, the SMART log.
// nvme-multipath.rst.
import type { SeriesGroup } from '../snapshot.ts';
import { SlowFiles } from '../sources/slow-file.ts';
import { AreaPresence } from './area.ts';
import type { Collector, CollectorContext, Reader, ReadLane, ReadResult } from './collector.ts';
import { NvmeController } from './nvme/controller.ts';
import { findControllers } from './nvme/devices.ts';
import { describeController, type ControllerFacts } from './nvme/facts.ts';
import { HealthRounds } from './nvme/health-rounds.ts';
import { DriveHealth } from './nvme/health.ts';
import { findMultipaths, MultipathDisk } from './nvme/multipath.ts';
import { withinTime } from './within-time.ts';

export const nvme: Collector = { area: 'nvme', start: (context) => new NvmeReader(context) };

/** How long a reading waits for drives that are asked for their health. */
const WAIT_MS = 700;

class NvmeReader implements Reader {
  readonly #context: CollectorContext;
  readonly #presence: AreaPresence;
  readonly #slowFiles: SlowFiles;
  /** Absent below a root: no drive of the host is asked. */
  readonly #health: HealthRounds | undefined;
  readonly #controllers = new Map<string, NvmeController>();
  /** Controllers that were here and are not, with the series that say so. */
  readonly #missing = new Map<string, SeriesGroup>();
  readonly #multipaths = new Map<string, MultipathDisk>();

  constructor(context: CollectorContext) {
    this.#context = context;
    this.#presence = new AreaPresence('nvme', context);
    this.#slowFiles = new SlowFiles(context.tree);
    this.#health = context.commands && new HealthRounds(context, context.commands);
  }

  async discover(): Promise<void> {
    const found = findControllers(this.#context.tree);
    for (const name of this.#controllers.keys()) if (!found.has(name)) this.#lose(name);
    const met = [...found].flatMap(([name, path]) => this.#meet(name, path) ?? []);
    this.#findMultipaths();
    this.#presence.set(this.#controllers.size > 0 || this.#missing.size > 0 ? undefined : 'not_present');
    // A series that waits for its lane would look absent.
    await this.#readTemperatures(met);
  }

  read(lane: ReadLane): ReadResult | Promise<ReadResult> {
    switch (lane) {
      case 'fast':
        return 'ok';
      case 'medium':
        return this.#readStates();
      case 'slow':
        return this.#readSlow();
    }
  }

  stop(): void {
    const { snapshot } = this.#context;
    for (const one of [...this.#controllers.values(), ...this.#multipaths.values()]) snapshot.remove(one.group);
    for (const group of this.#missing.values()) snapshot.remove(group);
    this.#health?.stop();
    this.#controllers.clear();
    this.#multipaths.clear();
    this.#presence.remove();
  }

  #readStates(): ReadResult {
    let result: ReadResult = 'ok';
    for (const [name, controller] of this.#controllers) {
      const change = controller.readState();
      if (change === 'gone') result = 'rediscover';
      if (change === 'changed') this.#health?.hurry(name);
    }
    for (const multipath of this.#multipaths.values()) multipath.read();
    void this.#health?.run();
    return result;
  }

  async #readSlow(): Promise<ReadResult> {
    for (const controller of this.#controllers.values()) controller.readLink();
    await this.#readTemperatures([...this.#controllers.values()]);
    const round = this.#health?.run();
    if (round) await withinTime(WAIT_MS, round);
    return 'ok';
  }

  /** One after another: a drive that does not answer holds one thread, and the others rest meanwhile. */
  async #readTemperatures(controllers: readonly NvmeController[]): Promise<void> {
    for (const controller of controllers) await controller.readTemperature(this.#slowFiles);
  }

  /** A controller that is new, or another one under the same name. */
  #meet(name: string, path: string): NvmeController | undefined {
    const { log, snapshot, tree } = this.#context;
    const missing = this.#missing.get(name);
    if (missing) {
      log.info('NVMe controller is back', { controller: name });
      snapshot.remove(missing);
      this.#missing.delete(name);
    }
    const facts = describeController(tree, name, path);
    const known = this.#controllers.get(name);
    if (known?.signature === JSON.stringify(facts)) return undefined;
    if (known) snapshot.remove(known.group);
    const controller = new NvmeController(this.#context, facts);
    this.#controllers.set(name, controller);
    controller.readState();
    controller.readLink();
    this.#watchHealth(controller, facts);
    return controller;
  }

  #watchHealth(controller: NvmeController, { info, temperature }: ControllerFacts): void {
    this.#health?.meet({
      controller: info.controller,
      serial: info.serial,
      health: new DriveHealth(controller.group, info.controller, { tellsComposite: temperature === undefined }),
      mayBeAsked: () => controller.mayBeAsked,
    });
  }

  #lose(name: string): void {
    const { log, snapshot } = this.#context;
    log.warn('NVMe controller is gone', { controller: name });
    const known = this.#controllers.get(name);
    if (known) snapshot.remove(known.group);
    this.#controllers.delete(name);
    this.#health?.lose(name);
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
