// PCI devices of a node below sys/devices, with the links by which they are found. Documentation/ABI/testing/sysfs-bus-pci.
import type { NodeHardware } from '../hardware.ts';
import type { FixedTree } from './tree-writer.ts';

export interface PciDevice {
  readonly bus: number;
  readonly vendor: string;
  readonly device: string;
  readonly class: string;
  readonly numaNode: number;
  readonly linkWidth: number;
}

/** Generation 3, for all devices of these machines. */
const LINK_SPEED = '8.0 GT/s PCIe';

/** Writes a device behind a root port of its own and returns its directory. */
export function writePciDevice(tree: FixedTree, device: PciDevice, hardware: NodeHardware): string {
  const port = portAddressOf(device.bus);
  const address = pciAddress(device.bus);
  const host = `sys/devices/pci0000:${device.bus < 0x80 ? '00' : '80'}`;
  const directory = `${host}/${port}/${address}`;
  const cpus = hardware.numaCpus[device.numaNode] ?? [];
  tree.files(`${host}/${port}`, {
    vendor: '0x8086',
    class: '0x060400',
    numa_node: device.numaNode,
    ...linkFiles(16),
  });
  tree.files(directory, {
    vendor: device.vendor,
    device: device.device,
    class: device.class,
    numa_node: device.numaNode,
    local_cpulist: listOf(cpus),
    ...linkFiles(device.linkWidth),
  });
  tree.file(`${directory}/uevent`, `PCI_CLASS=${device.class.slice(2)}\nPCI_SLOT_NAME=${address}\n`);
  tree.link(`${directory}/subsystem`, 'sys/bus/pci');
  tree.link(`sys/bus/pci/devices/${address}`, directory);
  tree.link(`sys/bus/pci/devices/${port}`, `${host}/${port}`);
  return directory;
}

export function pciAddress(bus: number): string {
  return `0000:${bus.toString(16).padStart(2, '0')}:00.0`;
}

/** Root ports count up through devices and functions, so that no bus meets another's. */
function portAddressOf(bus: number): string {
  const rest = bus & 0x7f;
  const root = bus < 0x80 ? '00' : '80';
  return `0000:${root}:${(1 + (rest >> 3)).toString(16).padStart(2, '0')}.${rest & 7}`;
}

function linkFiles(lanes: number): Record<string, string | number> {
  return {
    current_link_speed: LINK_SPEED,
    current_link_width: lanes,
    max_link_speed: LINK_SPEED,
    max_link_width: lanes,
  };
}

/** The kernel's list format: 0-19,40-59. */
export function listOf(numbers: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const number of numbers) {
    const last = ranges.at(-1);
    if (last?.[1] === number - 1) last[1] = number;
    else ranges.push([number, number]);
  }
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(',');
}
