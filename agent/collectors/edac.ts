// Errors of the host's memory by memory controller: sys/devices/system/edac/mc/mc*. Documentation/admin-guide/RAS/main.rst.
import { isAbsent, type Steps } from '#agent/contract';
import { parseCount } from '../parse/bytes.ts';
import type { CounterSeries, SeriesGroup } from '../snapshot.ts';
import { AreaPresence } from './area.ts';
import type { Collector, CollectorContext, Reader, ReadLane, ReadResult } from './collector.ts';
import { ParsedFile } from './parsed-file.ts';

export const edac: Collector = { area: 'edac', start: (context) => new EdacReader(context) };

const DIRECTORY = 'sys/devices/system/edac/mc';

class EdacReader implements Reader {
  readonly #context: CollectorContext;
  readonly #presence: AreaPresence;
  readonly #controllers = new Map<string, MemoryController>();

  constructor(context: CollectorContext) {
    this.#context = context;
    this.#presence = new AreaPresence('edac', context);
  }

  discover(): void {
    const { tree } = this.#context;
    const names = new Set(tree.names(DIRECTORY).filter((name) => /^mc\d+$/.test(name)));
    for (const name of this.#controllers.keys()) if (!names.has(name)) this.#remove(name);
    for (const name of names) {
      const known = this.#controllers.get(name);
      if (known) known.reopen();
      else this.#controllers.set(name, new MemoryController(this.#context, name));
    }
    this.#presence.set(names.size > 0 ? undefined : 'not_present', 'no EDAC driver knows a memory controller here');
  }

  read(lane: ReadLane): ReadResult {
    if (lane !== 'slow') return 'ok';
    const there = [...this.#controllers.values()].map((controller) => controller.read());
    return there.includes(false) ? 'rediscover' : 'ok';
  }

  stop(): void {
    for (const name of this.#controllers.keys()) this.#remove(name);
    this.#presence.remove();
  }

  #remove(name: string): void {
    this.#controllers.get(name)?.remove();
    this.#controllers.delete(name);
  }
}

class MemoryController {
  readonly #context: CollectorContext;
  readonly #group: SeriesGroup;
  readonly #counts: readonly (readonly [ParsedFile<Steps>, CounterSeries])[];

  constructor(context: CollectorContext, controller: string) {
    this.#context = context;
    const group = (this.#group = context.snapshot.group());
    const file = (name: string) => new ParsedFile(context, `${DIRECTORY}/${controller}/${name}`, { parse: parseCount });
    this.#counts = [
      [file('ce_count'), group.counter('edac_correctable_errors_total', { controller })],
      [file('ue_count'), group.counter('edac_uncorrectable_errors_total', { controller })],
    ];
  }

  /** False if the controller's driver was unloaded. */
  read(): boolean {
    let there = false;
    for (const [file, series] of this.#counts) {
      const count = file.read();
      if (isAbsent(count)) series.absent(count.reason);
      else series.set(count);
      there ||= !isAbsent(count) || count.reason !== 'not_present';
    }
    return there;
  }

  reopen(): void {
    for (const [file] of this.#counts) file.reopen();
  }

  remove(): void {
    for (const [file] of this.#counts) file.close();
    this.#context.snapshot.remove(this.#group);
  }
}
