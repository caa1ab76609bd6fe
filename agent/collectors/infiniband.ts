// InfiniBand and RoCE adapters, below sys/class/infiniband. Documentation/ABI/stable/sysfs-class-infiniband.
import { seconds } from '#agent/contract';
import { AreaPresence } from './area.ts';
import type { Collector, CollectorContext, Reader, ReadLane, ReadResult } from './collector.ts';
import { discoverHcas, type PlacedHca } from './infiniband/discovery.ts';
import { Hca, signatureOf, type HcaContext } from './infiniband/hca.ts';
import { Pace } from './infiniband/pace.ts';
import type { ResetCount } from './infiniband/port.ts';
import { defaultInfinibandSettings, type InfinibandSettings } from './infiniband/settings.ts';
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
  readonly #settings: InfinibandSettings;
  readonly #paces = { fast: new Pace(), medium: new Pace() };
  #pass: GaugeSeries<'seconds'> | undefined;

  constructor(context: CollectorContext) {
    this.#context = context;
    this.#settings = context.infiniband ?? defaultInfinibandSettings;
    this.#presence = new AreaPresence('infiniband', context);
    this.#own = context.snapshot.group();
    this.#hcaContext = {
      tree: context.tree,
      snapshot: context.snapshot,
      monotonicMs: context.monotonicMs,
      resetsOf: (device, port) => this.#resetsOf(`${device}/${port}`),
      tickBytes: this.#settings.tickBytes,
      learnedTicks: new Set(),
    };
  }

  discover(): void {
    const found = discoverHcas(this.#context.tree, this.#settings);
    const devices = new Set(found.map(({ facts }) => facts.device));
    for (const device of this.#hcas.keys()) {
      if (!devices.has(device)) this.#lose(device);
    }
    for (const hca of found) this.#meet(hca);
    this.#announce(found.length > 0 || this.#missing.size > 0);
  }

  read(lane: ReadLane): ReadResult {
    switch (lane) {
      case 'fast':
        return this.#readPaced(lane, (hca) => hca.readFast());
      case 'medium':
        return this.#readPaced(lane, (hca) => hca.readMedium());
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

  /** Slow firmware is asked less often; between two readings the last values stand. */
  #readPaced(lane: 'fast' | 'medium', read: (hca: Hca) => boolean): ReadResult {
    const { monotonicMs, log } = this.#context;
    const pace = this.#paces[lane];
    if (!pace.isDue()) return 'ok';
    const startMs = monotonicMs();
    const complete = [...this.#hcas.values()].map(read);
    const passMs = monotonicMs() - startMs;
    if (lane === 'fast') this.#pass?.set(seconds(passMs / 1000));
    const wasSlow = pace.every > 1;
    pace.took(passMs);
    if (pace.every > 1 && !wasSlow) {
      log.warn('InfiniBand adapters answer slowly and are asked less often', { lane, pass_ms: Math.round(passMs) });
    }
    return complete.every(Boolean) ? 'ok' : 'rediscover';
  }

  #meet(placed: PlacedHca): void {
    const { log, snapshot } = this.#context;
    const { device } = placed.facts;
    const missing = this.#missing.get(device);
    if (missing) {
      log.info('InfiniBand adapter is back', { device });
      snapshot.remove(missing);
      this.#missing.delete(device);
    }
    const known = this.#hcas.get(device);
    if (known?.signature === signatureOf(placed)) {
      known.reopen();
      return;
    }
    known?.remove();
    const hca = new Hca(this.#hcaContext, placed);
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
