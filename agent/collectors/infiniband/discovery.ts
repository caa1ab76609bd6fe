// The adapters that may be read, described, with the place of each port among the others. What is filtered out is never opened.
import type { Tree } from '../../sources/tree.ts';
import { describeHca, findHcas, namesOfHca, type HcaFacts } from './facts.ts';
import { keyOf, placePorts, type Placement, type RailPort } from './rails.ts';
import { isWanted, type InfinibandSettings } from './settings.ts';

export interface PlacedHca {
  readonly facts: HcaFacts;
  /** By port. */
  readonly places: Readonly<Record<string, Placement>>;
}

export function discoverHcas(tree: Tree, settings: InfinibandSettings): readonly PlacedHca[] {
  const hcas = wantedHcas(tree, settings).map(({ device, path }) => describeHca(tree, device, path));
  const placements = placePorts(hcas.flatMap(railPorts), settings.roles);
  return hcas.map((facts) => ({
    facts,
    places: Object.fromEntries(
      facts.ports.map(({ port }) => [
        port,
        placements.get(keyOf({ device: facts.device, port })) ?? { rail: '', role: '' },
      ]),
    ),
  }));
}

export function wantedHcas(
  tree: Tree,
  settings: Pick<InfinibandSettings, 'include' | 'exclude'>,
): readonly { readonly device: string; readonly path: string }[] {
  return [...findHcas(tree)]
    .map(([device, path]) => ({ device, path }))
    .filter(({ device, path }) => isWanted(settings, namesOfHca(tree, device, path)));
}

function railPorts({ device, info, physicalFunction, ports }: HcaFacts): readonly RailPort[] {
  return ports.map(({ port, linkLayer, netdev }) => ({
    ...{ device, port, linkLayer, netdev, physicalFunction },
    hcaType: info.hca_type,
    boardId: info.board_id,
    description: info.node_desc,
    systemGuid: info.sys_image_guid,
    pciAddress: info.pci_bus_id,
  }));
}
