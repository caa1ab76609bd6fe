// PCIe link of an adapter: what it runs at and what it could. Documentation/ABI/testing/sysfs-bus-pci.
import { absent, isAbsent, type Absence } from '#agent/contract';
import { pcieGenerationOf, pcieWidthOf } from '../../parse/pci.ts';
import type { GaugeSeries, SeriesGroup } from '../../snapshot.ts';
import type { Tree } from '../../sources/tree.ts';

interface LinkFile {
  readonly gauge: GaugeSeries<'none'>;
  readonly file: string;
  readonly valueOf: (text: string) => number | undefined;
}

export interface PcieDevice {
  readonly device: string;
  /** Where current_link_speed and its like are; undefined if the adapter is not on PCI. */
  readonly pciPath: string | undefined;
}

export class PcieLink {
  readonly #tree: Tree;
  readonly #path: string | undefined;
  readonly #files: readonly LinkFile[];

  constructor(tree: Tree, group: SeriesGroup, { device, pciPath }: PcieDevice) {
    this.#tree = tree;
    this.#path = pciPath;
    const gauge = (id: PcieGaugeId): GaugeSeries<'none'> => group.gauge(id, { device });
    this.#files = [
      { gauge: gauge('infiniband_pcie_link_generation'), file: 'current_link_speed', valueOf: pcieGenerationOf },
      { gauge: gauge('infiniband_pcie_link_generation_max'), file: 'max_link_speed', valueOf: pcieGenerationOf },
      { gauge: gauge('infiniband_pcie_link_width'), file: 'current_link_width', valueOf: pcieWidthOf },
      { gauge: gauge('infiniband_pcie_link_width_max'), file: 'max_link_width', valueOf: pcieWidthOf },
    ];
  }

  read(): void {
    for (const { gauge, file, valueOf } of this.#files) gauge.put(this.#value(file, valueOf));
  }

  #value(file: string, valueOf: (text: string) => number | undefined): number | Absence {
    if (this.#path === undefined) return absent('not_present');
    const text = this.#tree.text(`${this.#path}/${file}`);
    return isAbsent(text) ? text : (valueOf(text) ?? absent('unsupported'));
  }
}

type PcieGaugeId =
  | 'infiniband_pcie_link_generation'
  | 'infiniband_pcie_link_generation_max'
  | 'infiniband_pcie_link_width'
  | 'infiniband_pcie_link_width_max';
