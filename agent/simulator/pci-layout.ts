// Where the devices of each platform sit in the PCI tree: GPUs and HCAs behind PCIe switches, drives and Ethernet on root
// ports of their own. From it follow the files of sysfs and the matrix of `nvidia-smi topo -m`.
import { socketOf, type Platform, type PlatformName } from './hardware.ts';

/** The way from the root complex to a device. */
export interface PciSlot {
  /** `pci0000:00` */
  readonly host: string;
  /** Addresses of the bridges passed, the root port first. */
  readonly bridges: readonly string[];
  readonly numaNode: number;
}

/** How far apart two devices are, in the words of `nvidia-smi topo -m`. */
export type PciDistance = 'X' | 'PIX' | 'PXB' | 'PHB' | 'NODE' | 'SYS';

/** Buses of its upstream port and of its downstream ports, and what is below each of these. */
interface Switch {
  readonly upstream: number;
  readonly downstream: number;
  readonly below: readonly (number | Switch)[];
}

interface Root {
  readonly host: number;
  readonly below: Switch;
}

const roots: Readonly<Record<PlatformName, readonly Root[]>> = {
  // Two GPUs and an HCA behind each switch, two switches at each socket.
  hgx1: [
    { host: 0x00, below: leaf(0x03, 0x05) },
    { host: 0x00, below: leaf(0x08, 0x0a) },
    { host: 0x80, below: leaf(0x82, 0x84) },
    { host: 0x80, below: leaf(0x87, 0x89) },
  ],
  // Two such switches behind a third, two of these at each socket, each below a root complex of its own.
  hgx2: [
    { host: 0x2f, below: { upstream: 0x30, downstream: 0x31, below: [leaf(0x32, 0x34), leaf(0x37, 0x39)] } },
    { host: 0x52, below: { upstream: 0x53, downstream: 0x54, below: [leaf(0x55, 0x57), leaf(0x5a, 0x5c)] } },
    { host: 0xb2, below: { upstream: 0xb3, downstream: 0xb4, below: [leaf(0xb5, 0xb7), leaf(0xba, 0xbc)] } },
    { host: 0xdb, below: { upstream: 0xdc, downstream: 0xdd, below: [leaf(0xde, 0xe0), leaf(0xe3, 0xe5)] } },
    { host: 0x60, below: leaf(0x61, 0x63, 6) },
    { host: 0xc0, below: leaf(0xc1, 0xc3, 6) },
  ],
};

const nvswitchBuses: Readonly<Record<PlatformName, readonly number[]>> = {
  hgx1: [],
  hgx2: [...counted(0x63, 6), ...counted(0xc3, 6)],
};

const slots: Readonly<Record<PlatformName, ReadonlyMap<number, PciSlot>>> = {
  hgx1: slotsOf(roots.hgx1),
  hgx2: slotsOf(roots.hgx2),
};

export function nvswitchBusesOf({ name }: Platform): readonly number[] {
  return nvswitchBuses[name];
}

export function pciSlotOf({ name }: Platform, bus: number): PciSlot {
  const host = socketOf(bus) === 0 ? 0x00 : 0x80;
  return slots[name].get(bus) ?? { host: hostOf(host), bridges: [rootPort(host, bus)], numaNode: socketOf(bus) };
}

export function pciDistance(platform: Platform, one: number, other: number): PciDistance {
  if (one === other) return 'X';
  const [a, b] = [pciSlotOf(platform, one), pciSlotOf(platform, other)];
  if (a.numaNode !== b.numaNode) return 'SYS';
  if (a.host !== b.host) return 'NODE';
  if (a.bridges[0] !== b.bridges[0]) return 'PHB';
  // The last two are upstream and downstream port of the nearest switch.
  return a.bridges.at(-2) === b.bridges.at(-2) ? 'PIX' : 'PXB';
}

export function pciAddress(bus: number, device = 0, port = 0): string {
  return `0000:${twoDigits(bus)}:${twoDigits(device)}.${port}`;
}

/** A switch whose ports' buses come right before those of its devices. */
function leaf(upstream: number, firstDevice: number, devices = 3): Switch {
  return { upstream, downstream: upstream + 1, below: counted(firstDevice, devices) };
}

function counted(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => first + index);
}

function slotsOf(list: readonly Root[]): ReadonlyMap<number, PciSlot> {
  const found = new Map<number, PciSlot>();
  const descend = (host: string, above: readonly string[], { upstream, downstream, below }: Switch): void => {
    for (const [port, one] of below.entries()) {
      const bridges = [...above, pciAddress(upstream), pciAddress(downstream, port * 4)];
      if (typeof one === 'number') found.set(one, { host, bridges, numaNode: socketOf(one) });
      else descend(host, bridges, one);
    }
  };
  for (const { host, below } of list) descend(hostOf(host), [rootPort(host, below.upstream)], below);
  return found;
}

/** Root ports count up through devices and functions, so that no bus meets another's. */
function rootPort(host: number, bus: number): string {
  const rest = bus & 0x7f;
  return pciAddress(host, 1 + (rest >> 3), rest & 7);
}

function hostOf(bus: number): string {
  return `pci0000:${twoDigits(bus)}`;
}

function twoDigits(value: number): string {
  return value.toString(16).padStart(2, '0');
}
