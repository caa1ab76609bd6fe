// Which ports are the rails of the GPUs, and what the others are for. The configuration decides; without it these rules:
//  1. A device that names NVLink or NVSwitch in its board or description, and four InfiniBand functions of one ConnectX-7
//     in one PCI slot, manage the NVSwitches of an HGX B200 board: bridge. (Their mark in the VPD is for root only.)
//  2. InfiniBand, and what is no Ethernet either (EFA), is compute.
//  3. Ethernet beside InfiniBand is management. Where there is only Ethernet, bonds beside plain ports and adapters that
//     cannot pass 50 Gb/s beside faster ones are management, all others compute.
//  4. Software RDMA (rxe, siw) repeats the traffic of some other interface: no role.
// That a port serves storage is not to be seen here. Rails are counted by PCI address, which outlives device numbers.
import { assigned, type Assignment, type PortRole } from './settings.ts';

export interface RailPort {
  readonly device: string;
  readonly port: string;
  readonly linkLayer: string;
  readonly netdev: string;
  readonly hcaType: string;
  readonly boardId: string;
  readonly description: string;
  readonly systemGuid: string;
  /** The catalogue's form; empty if it is not on PCI. */
  readonly pciAddress: string;
  /** Of a virtual function, the PCI address of its physical one. */
  readonly physicalFunction: string | undefined;
}

export interface Placement {
  /** Its number, from 0; empty if it is none. A virtual function has the number of the port it shares. */
  readonly rail: string;
  readonly role: PortRole | '';
}

/** By `device/port`. */
export function placePorts(
  ports: readonly RailPort[],
  roles: readonly Assignment<PortRole>[],
): ReadonlyMap<string, Placement> {
  const owners = new Map(ports.map((port) => [port, ownerOf(port, ports)]));
  const physical = ports.filter((port) => owners.get(port) === port);
  const roleOf = (port: RailPort): PortRole | '' => assigned(roles, namesOf(port)) ?? guessRole(port, physical);
  const rails = physical.filter((port) => roleOf(port) === 'compute').toSorted(byAddress);
  return new Map(
    ports.map((port) => {
      const owner = owners.get(port) ?? port;
      const role = assigned(roles, namesOf(port)) ?? roleOf(owner);
      const number = role === 'compute' ? rails.indexOf(owner) : -1;
      return [keyOf(port), { role, rail: number === -1 ? '' : String(number) }];
    }),
  );
}

export function keyOf({ device, port }: Pick<RailPort, 'device' | 'port'>): string {
  return `${device}/${port}`;
}

function namesOf(port: RailPort): readonly string[] {
  return [port.device, keyOf(port), port.netdev, port.pciAddress].filter((name) => name !== '');
}

/** The port whose cable this one uses: itself, unless it is a virtual function. */
function ownerOf(port: RailPort, ports: readonly RailPort[]): RailPort {
  if (port.physicalFunction !== undefined) {
    const physical = ports.find((one) => one.pciAddress === port.physicalFunction && one.port === port.port);
    if (physical) return physical;
  }
  if (port.physicalFunction === undefined && !isVirtualType(port.hcaType)) return port;
  // Without the link to it: the same card and the number before it. Two ports of one card have the same number.
  const card = ports.filter((one) => one.systemGuid !== '' && one.systemGuid === port.systemGuid);
  return (
    card.find((one) => one.physicalFunction === undefined && !isVirtualType(one.hcaType) && one.port === port.port) ??
    card[0] ??
    port
  );
}

function guessRole(port: RailPort, ports: readonly RailPort[]): PortRole | '' {
  if (isBridge(port, ports)) return 'bridge';
  if (isSoftware(port)) return '';
  if (port.linkLayer !== 'Ethernet') return port.linkLayer === '' ? '' : 'compute';
  const others = ports.filter((one) => !isSoftware(one) && !isBridge(one, ports));
  if (others.some(({ linkLayer }) => linkLayer === 'InfiniBand')) return 'management';
  const isSecondary = (one: RailPort): boolean => isBond(one) || isSlow(one);
  return isSecondary(port) && others.some((one) => !isSecondary(one)) ? 'management' : 'compute';
}

function isBridge(port: RailPort, ports: readonly RailPort[]): boolean {
  if (/nvlink|nvswitch|sw_mng/i.test(`${port.boardId} ${port.description}`)) return true;
  if (port.hcaType !== 'MT4129' || port.linkLayer !== 'InfiniBand' || port.pciAddress === '') return false;
  const functions = ports.filter(
    (one) => one.linkLayer === 'InfiniBand' && one.hcaType === port.hcaType && slotOf(one) === slotOf(port),
  );
  return functions.length >= 4;
}

/** Even device numbers of mlx5 are virtual functions (MT4114 and MT4116 to MT4124), and MT4126 those of all later adapters. */
function isVirtualType(hcaType: string): boolean {
  return /^MT41(?:14|16|18|20|22|24|26)$/.test(hcaType);
}

function isSoftware({ device }: RailPort): boolean {
  return /^(?:rxe|siw)/.test(device);
}

function isBond({ device }: RailPort): boolean {
  return isBondName(device);
}

/** mlx5_bond_0: one device over two functions whose interfaces are bonded. */
export function isBondName(name: string): boolean {
  return name.includes('_bond_');
}

/** ConnectX-4 Lx and ConnectX-6 Lx, and the virtual functions of the former. */
function isSlow({ hcaType }: RailPort): boolean {
  return hcaType === 'MT4117' || hcaType === 'MT4118' || hcaType === 'MT4127';
}

function slotOf({ pciAddress }: RailPort): string {
  return pciAddress.split('.')[0] ?? '';
}

/** Ports without an address stand behind those that have one, by the numbers in their names. */
function byAddress(a: RailPort, b: RailPort): number {
  const key = (one: RailPort): string => (one.pciAddress === '' ? '~' : one.pciAddress);
  if (key(a) !== key(b)) return key(a) < key(b) ? -1 : 1;
  return keyOf(a).localeCompare(keyOf(b), 'en', { numeric: true });
}
