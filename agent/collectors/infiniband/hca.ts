// One host channel adapter: its ports, its own events, its PCIe link.
import type { SeriesGroup, Snapshot } from '../../snapshot.ts';
import type { Tree } from '../../sources/tree.ts';
import { Counter, CounterFile } from './counter.ts';
import type { PlacedHca } from './discovery.ts';
import type { HcaFacts } from './facts.ts';
import { PcieLink } from './pcie-link.ts';
import { Port, type ResetCount } from './port.ts';
import type { LearnedTicks } from './port-wait.ts';
import type { Assignment } from './settings.ts';

export interface HcaContext {
  readonly tree: Tree;
  readonly snapshot: Snapshot;
  readonly monotonicMs: () => number;
  readonly resetsOf: (device: string, port: string) => ResetCount;
  readonly tickBytes: readonly Assignment<number>[];
  readonly learnedTicks: LearnedTicks;
}

export class Hca {
  /** Two discoveries with the same signature found the same thing. */
  readonly signature: string;
  readonly #context: HcaContext;
  readonly #facts: HcaFacts;
  readonly #group: SeriesGroup;
  readonly #ports: readonly Port[];
  readonly #events: readonly Counter[];
  readonly #pcie: PcieLink;

  constructor(context: HcaContext, placed: PlacedHca) {
    const { tree, snapshot } = context;
    const { facts, places } = placed;
    const { device } = facts;
    const group = snapshot.group();
    this.signature = signatureOf(placed);
    this.#context = context;
    this.#facts = facts;
    this.#group = group;
    group.info('infiniband_info', { device, ...facts.info });
    this.#ports = facts.ports.map((port) => {
      const place = places[port.port] ?? { rail: '', role: '' };
      const resets = context.resetsOf(device, port.port);
      return new Port({ ...context, group, resets, hca: facts }, { ...port, ...place });
    });
    this.#events = facts.hwCounters.map((counter) => {
      const series = group.counter('infiniband_hw_events_total', { device, port: '', counter });
      return new Counter({ files: [new CounterFile(tree, `${facts.path}/hw_counters/${counter}`)], series });
    });
    this.#pcie = new PcieLink(tree, group, facts);
  }

  /** False if the adapter went away. */
  readFast(): boolean {
    return this.#readPorts((port) => port.readFast());
  }

  readMedium(): boolean {
    for (const counter of this.#events) counter.read();
    return this.#readPorts((port) => port.readMedium());
  }

  readSlow(): void {
    this.#pcie.read();
  }

  reopen(): void {
    for (const port of this.#ports) port.reopen();
    for (const counter of this.#events) counter.reopen();
  }

  remove(): void {
    for (const port of this.#ports) port.close();
    for (const counter of this.#events) counter.close();
    this.#context.snapshot.remove(this.#group);
  }

  #readPorts(read: (port: Port) => boolean): boolean {
    // No short cut: one port's loss must not leave the next unread.
    const complete = this.#ports.map(read).every(Boolean);
    if (!complete && !this.#context.tree.exists(`${this.#facts.path}/ports`)) this.#group.absent('not_present');
    return complete;
  }
}

export function signatureOf(placed: PlacedHca): string {
  return JSON.stringify(placed);
}
