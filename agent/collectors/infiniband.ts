// InfiniBand and RoCE adapters, below sys/class/infiniband. Documentation/ABI/stable/sysfs-class-infiniband.
import { seconds } from '#agent/contract';
import { AreaPresence } from './area.ts';
import type { Collector, CollectorContext, Reader, ReadLane, ReadResult } from './collector.ts';
import { describeHca, findHcas } from './infiniband/facts.ts';
import { Hca, type HcaContext } from './infiniband/hca.ts';
import type { ResetCount } from './infiniband/port.ts';
import type { GaugeSeries, SeriesGroup } from '../snapshot.ts';

export const infiniband: Collector = {
  area: 'infiniband',
  start: (context) => new InfinibandReader(context),
};

class InfinibandReader implements Reader {
  readonly #context: CollectorContext;
  readonly #hcaContext: HcaContext;
  readonly #presence: AreaPresence;
  readonly #own: SeriesGroup;
  readonly #hcas = new Map<string, Hca>();
  /** Adapters that were here and are not, with the series that say so. */
  readonly #missing = new Map<string, SeriesGroup>();
  readonly #resets = new Map<string, ResetCount>();
  #pass: GaugeSeries<'seconds'> | undefined;

  constructor(context: CollectorContext) {
    this.#context = context;
    this.#presence = new AreaPresence('infiniband', context);
    this.#own = context.snapshot.group();
    this.#hcaContext = {
      tree: context.tree,
      snapshot: context.snapshot,
      resetsOf: (device, port) => this.#resetsOf(`${device}/${port}`),
    };
  }

  discover(): void {
    const found = findHcas(this.#context.tree);
    for (const device of this.#hcas.keys()) {
      if (!found.has(device)) this.#lose(device);
    }
    for (const [device, path] of found) this.#meet(device, path);
    this.#announce(found.size > 0 || this.#missing.size > 0);
  }

  read(lane: ReadLane): ReadResult {
    switch (lane) {
      case 'fast':
        return this.#readFast();
      case 'medium':
        return resultOf([...this.#hcas.values()].map((hca) => hca.readMedium()));
      case 'slow':
        for (const hca of this.#hcas.values()) hca.readSlow();
        return 'ok';
    }
  }

  stop(): void {
    for (const hca of this.#hcas.values()) hca.remove();
    for (const group of [...this.#missing.values(), this.#own]) this.#context.snapshot.remove(group);
    this.#presence.remove();
    this.#hcas.clear();
  }

  #readFast(): ReadResult {
    const startMs = this.#context.monotonicMs();
    const result = resultOf([...this.#hcas.values()].map((hca) => hca.readFast()));
    this.#pass?.set(seconds((this.#context.monotonicMs() - startMs) / 1000));
    return result;
  }

  #meet(device: string, path: string): void {
    const { log, snapshot } = this.#context;
    const missing = this.#missing.get(device);
    if (missing) {
      log.info('InfiniBand adapter is back', { device });
      snapshot.remove(missing);
      this.#missing.delete(device);
    }
    const facts = describeHca(this.#context.tree, device, path);
    const known = this.#hcas.get(device);
    if (known?.signature === JSON.stringify(facts)) {
      known.reopen();
      return;
    }
    known?.remove();
    const hca = new Hca(this.#hcaContext, facts);
    this.#hcas.set(device, hca);
    // A series that waits for its lane would look absent.
    hca.readFast();
    hca.readMedium();
    hca.readSlow();
  }

  #lose(device: string): void {
    this.#context.log.warn('InfiniBand adapter is gone', { device });
    this.#hcas.get(device)?.remove();
    this.#hcas.delete(device);
    const group = this.#context.snapshot.group();
    group.unavailable('infiniband', device, 'not_present');
    this.#missing.set(device, group);
  }

  #announce(present: boolean): void {
    this.#presence.set(present ? undefined : 'not_present', present ? '' : 'no InfiniBand found');
    if (present) this.#pass ??= this.#own.gauge('infiniband_pass_seconds', {});
  }

  #resetsOf(key: string): ResetCount {
    const known = this.#resets.get(key) ?? { count: 0 };
    this.#resets.set(key, known);
    return known;
  }
}

function resultOf(complete: readonly boolean[]): ReadResult {
  return complete.every(Boolean) ? 'ok' : 'rediscover';
}
