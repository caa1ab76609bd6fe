// One port of an adapter: its series and what each lane reads. Below sys/class/infiniband/DEV/ports/N.
import type { CounterSeries, SeriesGroup } from '../../snapshot.ts';
import type { Tree } from '../../sources/tree.ts';
import { Counter, CounterFile, type CounterPass } from './counter.ts';
import type { HcaFacts, PortFacts } from './facts.ts';
import { PortLink } from './link.ts';
import { pauseSeries } from './pauses.ts';
import { fastCounters, mediumCounters, unknownCounters, type PortCounterRow } from './port-counters.ts';
import { PortWait, type LearnedTicks } from './port-wait.ts';
import type { Placement } from './rails.ts';
import { assigned, type Assignment } from './settings.ts';

export interface PortContext {
  readonly tree: Tree;
  readonly group: SeriesGroup;
  readonly hca: HcaFacts;
  readonly monotonicMs: () => number;
  /** Our own count of resets, which outlives the port's series. */
  readonly resets: ResetCount;
  readonly tickBytes: readonly Assignment<number>[];
  readonly learnedTicks: LearnedTicks;
}

export type PlacedPort = PortFacts & Placement;

export interface ResetCount {
  count: number;
}

const WAIT = fastCounters.findIndex(({ file }) => file === 'port_xmit_wait');

export class Port {
  readonly #facts: PlacedPort;
  readonly #context: PortContext;
  readonly #link: PortLink;
  readonly #fast: readonly Counter[];
  readonly #medium: readonly Counter[];
  /** Counters whose fall says nothing: the adapter's own events. */
  readonly #events: readonly Counter[];
  readonly #resets: CounterSeries;
  /** Only InfiniBand ports have credits to wait for. */
  readonly #wait: PortWait | undefined;
  #fellSinceMedium = false;

  constructor(context: PortContext, facts: PlacedPort) {
    const { group, hca } = context;
    const { device } = hca;
    this.#context = context;
    this.#facts = facts;
    group.info('infiniband_port_info', { device, ...portInfo(facts) });
    this.#link = new PortLink(context.tree, group, device, facts);
    this.#wait = facts.linkLayer === 'InfiniBand' ? this.#createWait() : undefined;
    this.#fast = fastCounters.map((row) => this.#knownCounter(row));
    this.#medium = [
      ...mediumCounters.map((row) => this.#knownCounter(row)),
      ...unknownCounters(facts.counters).map((file) => this.#unknownCounter(file)),
    ];
    this.#events = [
      ...facts.hwCounters.map((file) => this.#hwCounter(file)),
      this.#carrierCounter(),
      ...this.#pauseCounters(),
    ];
    this.#resets = group.counter('infiniband_resets_total', this.#labels);
    this.#resets.set(context.resets.count);
  }

  /** False if a counter that was there is gone. */
  readFast(): boolean {
    const passes = this.#fast.map(readCounter);
    if (passes.includes('fell')) this.#noteReset();
    this.#wait?.observe(this.#waitCounter?.last, this.#context.monotonicMs(), this.#link.speed);
    return !passes.includes('gone');
  }

  readMedium(): boolean {
    this.#link.read();
    this.#wait?.show(this.#link.lanes);
    const passes = this.#medium.map(readCounter);
    // One reset is seen by both lanes, by the fast one first.
    if (passes.includes('fell') && !this.#fellSinceMedium) this.#noteReset();
    this.#fellSinceMedium = false;
    const events = this.#events.map(readCounter);
    return !passes.includes('gone') && !events.includes('gone');
  }

  reopen(): void {
    this.#link.reopen();
    for (const counter of this.#counters()) counter.reopen();
  }

  close(): void {
    this.#link.close();
    for (const counter of this.#counters()) counter.close();
  }

  get #labels(): { readonly device: string; readonly port: string } {
    return { device: this.#context.hca.device, port: this.#facts.port };
  }

  #counters(): readonly Counter[] {
    return [...this.#fast, ...this.#medium, ...this.#events];
  }

  get #waitCounter(): Counter | undefined {
    return this.#fast[WAIT];
  }

  #createWait(): PortWait {
    const { group, hca, tickBytes, learnedTicks } = this.#context;
    const names = [hca.device, `${hca.device}/${this.#facts.port}`, hca.info.hca_type, hca.info.pci_bus_id];
    return new PortWait(group.gauge('infiniband_port_transmit_wait_tick_bytes', this.#labels), {
      hcaType: hca.info.hca_type,
      configured: assigned(
        tickBytes,
        names.filter((name) => name !== ''),
      ),
      device: hca.device,
      learned: learnedTicks,
    });
  }

  #noteReset(): void {
    this.#fellSinceMedium = true;
    this.#resets.set(++this.#context.resets.count);
  }

  #knownCounter(row: PortCounterRow): Counter {
    const { group } = this.#context;
    const files = this.#filesOf(row);
    const options = { files, series: group.counter(row.id, this.#labels), bits: row.bits, factor: row.factor };
    if (files.length === 0) return new Counter(options);
    const saturated = group.gauge('infiniband_saturated', { ...this.#labels, counter: row.file });
    return new Counter({ ...options, saturated });
  }

  #unknownCounter(file: string): Counter {
    const series = this.#context.group.counter('infiniband_events_total', { ...this.#labels, counter: file });
    return new Counter({ files: [this.#file(`counters/${file}`)], series });
  }

  #hwCounter(file: string): Counter {
    const series = this.#context.group.counter('infiniband_hw_events_total', { ...this.#labels, counter: file });
    return new Counter({ files: [this.#file(`hw_counters/${file}`)], series });
  }

  #carrierCounter(): Counter {
    const { netPath } = this.#facts;
    const files = netPath === undefined ? [] : [new CounterFile(this.#context.tree, `${netPath}/carrier_down_count`)];
    return new Counter({ files, series: this.#context.group.counter('infiniband_carrier_down_total', this.#labels) });
  }

  #pauseCounters(): readonly Counter[] {
    const { tree, group } = this.#context;
    return this.#facts.pauses.map((pause) => {
      const series = pauseSeries(group, pause, this.#labels);
      return new Counter({ files: [new CounterFile(tree, pause.path)], series });
    });
  }

  #filesOf(row: PortCounterRow): readonly CounterFile[] {
    const { counters, extendedCounters } = this.#facts;
    const files = counters.includes(row.file) ? [this.#file(`counters/${row.file}`)] : [];
    if (row.extended === undefined || !extendedCounters.includes(row.extended)) return files;
    return [...files, this.#file(`counters_ext/${row.extended}`)];
  }

  #file(path: string): CounterFile {
    return new CounterFile(this.#context.tree, `${this.#facts.path}/${path}`);
  }
}

function readCounter(counter: Counter): CounterPass {
  return counter.read();
}

function portInfo(
  facts: PlacedPort,
): Readonly<Record<'port' | 'link_layer' | 'guid' | 'lid' | 'rail' | 'role' | 'netdev', string>> {
  const { port, linkLayer, guid, lid, rail, role, netdev } = facts;
  return { port, link_layer: linkLayer, guid, lid, rail, role, netdev };
}
