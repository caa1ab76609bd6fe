// PCIe link of a controller: what it runs at and what it could. Documentation/ABI/testing/sysfs-bus-pci.
import { absent, isAbsent, type Absence } from '#agent/contract';
import { pcieGenerationOf, pcieWidthOf } from '../../parse/pci.ts';
import type { GaugeSeries, SeriesGroup } from '../../snapshot.ts';
import type { Tree } from '../../sources/tree.ts';
import type { ControllerFacts } from './facts.ts';

export class PcieLink {
  readonly #tree: Tree;
  readonly #device: string;
  readonly #port: string;
  readonly #generation: GaugeSeries<'none'>;
  readonly #generationMax: GaugeSeries<'none'>;
  readonly #width: GaugeSeries<'none'>;
  readonly #widthMax: GaugeSeries<'none'>;

  /** undefined for what has no link: fabrics, and controllers inside the root complex ("Unknown", width 0 of 255). */
  static find(tree: Tree, group: SeriesGroup, { link, info }: ControllerFacts): PcieLink | undefined {
    if (!link) return undefined;
    const files = ['current_link_speed', 'max_link_speed'].map((file) => tree.word(`${link.device}/${file}`) ?? '');
    if (files.every((text) => pcieGenerationOf(text) === undefined)) return undefined;
    return new PcieLink(tree, group, { ...link, controller: info.controller });
  }

  private constructor(
    tree: Tree,
    group: SeriesGroup,
    { device, port, controller }: { readonly device: string; readonly port: string; readonly controller: string },
  ) {
    this.#tree = tree;
    this.#device = device;
    this.#port = port;
    this.#generation = group.gauge('nvme_pcie_link_generation', { controller });
    this.#generationMax = group.gauge('nvme_pcie_link_generation_max', { controller });
    this.#width = group.gauge('nvme_pcie_link_width', { controller });
    this.#widthMax = group.gauge('nvme_pcie_link_width_max', { controller });
  }

  read(): void {
    this.#generation.put(this.#value('current_link_speed', pcieGenerationOf));
    this.#width.put(this.#value('current_link_width', pcieWidthOf));
    // A drive in a slot of an older generation could do more; one with four lanes on a port of eight could not.
    this.#generationMax.put(this.#value('max_link_speed', pcieGenerationOf));
    const lanes = this.#value('max_link_width', pcieWidthOf);
    const portLanes = pcieWidthOf(this.#tree.word(`${this.#port}/max_link_width`) ?? '');
    this.#widthMax.put(isAbsent(lanes) || portLanes === undefined ? lanes : Math.min(lanes, portLanes));
  }

  #value(file: string, parse: (text: string) => number | undefined): number | Absence {
    const text = this.#tree.text(`${this.#device}/${file}`);
    return isAbsent(text) ? text : (parse(text) ?? absent('unsupported'));
  }
}
