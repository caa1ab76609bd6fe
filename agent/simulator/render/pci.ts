// PCI devices of a node below sys/devices, with the links by which they are found. Documentation/ABI/testing/sysfs-bus-pci.
import type { NodeHardware } from '../hardware.ts';
import { nvswitchBusesOf, pciAddress, pciSlotOf } from '../pci-layout.ts';
import type { NodeState } from '../workload.ts';
import { writePcieErrors } from './health.ts';
import type { FixedTree, TreeWriter } from './tree-writer.ts';

export { pciAddress } from '../pci-layout.ts';

export interface PciDevice {
  readonly bus: number;
  readonly vendor: string;
  readonly device: string;
  readonly class: string;
  readonly linkWidth: number;
  /** Errors of the link that were corrected; none where it is not told. */
  readonly correctedErrors?: (state: NodeState) => number;
}

/** Generation 3, for all devices of these machines. */
const LINK_SPEED = '8.0 GT/s PCIe';
const BRIDGE = '0x060400';

/** Writes a device, and the bridges above it if no other has done so, and returns its directory. */
export function writePciDevice(tree: TreeWriter<NodeState>, device: PciDevice, hardware: NodeHardware): string {
  const { host, bridges, numaNode } = pciSlotOf(hardware.platform, device.bus);
  let above = `sys/devices/${host}`;
  for (const [depth, bridge] of bridges.entries()) {
    above = `${above}/${bridge}`;
    if (tree.has(above)) continue;
    const chip = depth === 0 ? ROOT_PORT : SWITCH_PORT;
    writeFunction(tree, above, { ...chip, class: BRIDGE, linkWidth: 16, numaNode, hardware });
  }
  const directory = `${above}/${pciAddress(device.bus)}`;
  writeFunction(tree, directory, { ...device, numaNode, hardware });
  writePcieErrors(tree, directory, device.correctedErrors);
  return directory;
}

export function writeNvswitches(tree: TreeWriter<NodeState>, hardware: NodeHardware): void {
  for (const bus of nvswitchBusesOf(hardware.platform)) {
    writePciDevice(tree, { bus, vendor: '0x10de', device: '0x1ac2', class: '0x068000', linkWidth: 2 }, hardware);
  }
}

const ROOT_PORT = { vendor: '0x8086', device: '0x6f02' } as const;
const SWITCH_PORT = { vendor: '0x10b5', device: '0x8796' } as const;

interface PciFunction extends Omit<PciDevice, 'bus'> {
  readonly numaNode: number;
  readonly hardware: NodeHardware;
}

function writeFunction(tree: FixedTree, directory: string, one: PciFunction): void {
  const address = directory.slice(directory.lastIndexOf('/') + 1);
  tree.files(directory, {
    vendor: one.vendor,
    device: one.device,
    class: one.class,
    numa_node: one.numaNode,
    local_cpulist: listOf(one.hardware.numaCpus[one.numaNode] ?? []),
    ...linkFiles(one.linkWidth),
  });
  tree.file(`${directory}/uevent`, `PCI_CLASS=${one.class.slice(2)}\nPCI_SLOT_NAME=${address}\n`);
  tree.link(`sys/bus/pci/devices/${address}`, directory);
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
