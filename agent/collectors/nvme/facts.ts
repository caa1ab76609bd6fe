// What an NVMe controller is: sys/class/nvme/nvmeN. Values are padded with blanks.
import { canonicalPciAddress } from '../../parse/pci.ts';
import type { Tree } from '../../sources/tree.ts';
import { pciDeviceOf } from './devices.ts';

type ControllerLabel =
  | 'controller'
  | 'model'
  | 'serial'
  | 'firmware_version'
  | 'transport'
  | 'address'
  | 'subsystem_nqn'
  | 'cntlid'
  | 'numa_node'
  | 'pci_bus_id';

export interface ControllerFacts {
  readonly path: string;
  readonly info: Readonly<Record<ControllerLabel, string>>;
  /** Where current_link_speed and its like are, and those of the port above; undefined for fabrics. */
  readonly link: { readonly device: string; readonly port: string } | undefined;
  /** temp1_input of its hwmon: the composite temperature. */
  readonly temperature: string | undefined;
}

export function describeController(tree: Tree, name: string, path: string): ControllerFacts {
  const text = (file: string): string => tree.word(`${path}/${file}`) ?? '';
  const transport = text('transport');
  const pci = pciDeviceOf(tree, path) ?? pciDeviceOf(tree, `${path}/device`);
  const numaNode = text('numa_node') || (pci === undefined ? '' : (tree.word(`${pci.directory}/numa_node`) ?? ''));
  const onPci = pci !== undefined && (transport === 'pcie' || transport === '');
  return {
    path,
    info: {
      controller: name,
      model: text('model'),
      serial: text('serial'),
      firmware_version: text('firmware_rev'),
      transport,
      address: text('address'),
      subsystem_nqn: text('subsysnqn'),
      cntlid: text('cntlid'),
      // -1 is the kernel's word for unknown.
      numa_node: numaNode === '-1' ? '' : numaNode,
      pci_bus_id: canonicalPciAddress(pci?.address ?? text('address')) ?? '',
    },
    link: onPci ? linkOf(tree, pci) : undefined,
    temperature: findTemperature(tree, path),
  };
}

function linkOf(
  tree: Tree,
  { directory, address }: { readonly directory: string; readonly address: string },
): ControllerFacts['link'] {
  const port = directory.split('/').slice(0, -1).join('/');
  if (tree.exists(`${directory}/current_link_speed`)) return { device: directory, port };
  const bus = address.split(':').slice(0, 2).join(':');
  return { device: `sys/class/pci_bus/${bus}/device/${address}`, port };
}

/** Since Linux 5.5 below the controller; the drive answers for it with an admin command, so no other sensor is asked. */
function findTemperature(tree: Tree, path: string): string | undefined {
  for (const directory of [path, `${path}/hwmon`, `${path}/device/hwmon`]) {
    const hwmon = tree.names(directory).find((name) => /^hwmon\d+$/.test(name));
    if (hwmon !== undefined) return `${directory}/${hwmon}/temp1_input`;
  }
  return undefined;
}
