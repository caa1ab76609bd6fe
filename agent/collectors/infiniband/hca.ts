// One host channel adapter: its ports, its own events, its PCIe link.
import { absent, type Absence } from '#agent/contract';
import { pcieGenerationOf, pcieWidthOf } from '../../parse/pci.ts';
import type { GaugeSeries, SeriesGroup, Snapshot } from '../../snapshot.ts';
import type { Tree } from '../../sources/tree.ts';
import { Counter, CounterFile } from './counter.ts';
import type { HcaFacts } from './facts.ts';
import { Port, type ResetCount } from './port.ts';

export interface HcaContext {
  readonly tree: Tree;
  readonly snapshot: Snapshot;
  readonly resetsOf: (device: string, port: string) => ResetCount;
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

  constructor(context: HcaContext, facts: HcaFacts) {
    const { tree, snapshot, resetsOf } = context;
    const { device } = facts;
    const group = snapshot.group();
    this.signature = JSON.stringify(facts);
    this.#context = context;
    this.#facts = facts;
    this.#group = group;
    group.info('infiniband_info', { device, ...facts.info });
    this.#ports = facts.ports.map(
      (port) => new Port({ tree, group, device, resets: resetsOf(device, port.port) }, port),
    );
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

class PcieLink {
  readonly #tree: Tree;
  readonly #path: string | undefined;
  readonly #gauges: readonly {
    gauge: GaugeSeries<'none'>;
    file: string;
    valueOf: (text: string) => number | undefined;
  }[];

  constructor(tree: Tree, group: SeriesGroup, { device, pciPath }: HcaFacts) {
    this.#tree = tree;
    this.#path = pciPath;
    this.#gauges = [
      {
        gauge: group.gauge('infiniband_pcie_link_generation', { device }),
        file: 'current_link_speed',
        valueOf: pcieGenerationOf,
      },
      {
        gauge: group.gauge('infiniband_pcie_link_generation_max', { device }),
        file: 'max_link_speed',
        valueOf: pcieGenerationOf,
      },
      {
        gauge: group.gauge('infiniband_pcie_link_width', { device }),
        file: 'current_link_width',
        valueOf: pcieWidthOf,
      },
      {
        gauge: group.gauge('infiniband_pcie_link_width_max', { device }),
        file: 'max_link_width',
        valueOf: pcieWidthOf,
      },
    ];
  }

  read(): void {
    for (const { gauge, file, valueOf } of this.#gauges) {
      const value = this.#value(file, valueOf);
      if (typeof value === 'number') gauge.set(value);
      else gauge.absent(value.reason);
    }
  }

  #value(file: string, valueOf: (text: string) => number | undefined): number | Absence {
    if (this.#path === undefined) return absent('not_present');
    const text = this.#tree.text(`${this.#path}/${file}`);
    return typeof text === 'string' ? (valueOf(text) ?? absent('unsupported')) : text;
  }
}
