// PCI devices whose errors are told: GPUs and NVSwitches, network adapters of both kinds, NVMe drives, and the bridges above them.
// Only what the kernel remembers is read, never a device's own configuration space. Documentation/ABI/testing/sysfs-bus-pci.
import { isAbsent } from '#agent/contract';
import { canonicalPciAddress } from '../../parse/pci.ts';
import type { Tree } from '../../sources/tree.ts';

const BUS = 'sys/bus/pci/devices';
const DEVICES = 'sys/devices';
const MAX_BRIDGES = 16;
const MAX_DEVICES = 4096;
const NVIDIA = '0x10de';

/** NVMe (0108), Ethernet and other network adapters with InfiniBand (02). */
const ANYBODYS = /^0x(?:0108|02)/;
/** Display, 3D and other bridges: NVIDIA's are GPUs and NVSwitches. */
const NVIDIAS = /^0x(?:0300|0302|0680)/;

export interface AerDevice {
  /** As `canonicalPciAddress` writes it. */
  readonly address: string;
  readonly directory: string;
  readonly kind: 'endpoint' | 'bridge';
}

export function listPciDevices(tree: Tree): readonly string[] {
  const listed = tree.names(BUS);
  return listed.length > 0 || tree.isHost
    ? listed.slice(0, MAX_DEVICES).map((name) => `${BUS}/${name}`)
    : devicesOfRecording(tree);
}

/** Endpoints with the bridges above them, each once, bridges first. Those that count no errors are left out. */
export function findAerDevices(tree: Tree, paths: readonly string[]): readonly AerDevice[] {
  const found = new Map<string, AerDevice>();
  for (const path of paths.filter((one) => isWanted(tree, one))) {
    const resolved = tree.resolve(path);
    if (isAbsent(resolved)) continue;
    const steps = resolved.split('/');
    const first = steps.findIndex((step) => canonicalPciAddress(step) !== undefined);
    for (let depth = first; depth >= 0 && depth < steps.length; depth++) {
      const address = canonicalPciAddress(steps[depth] ?? '');
      const directory = steps.slice(0, depth + 1).join('/');
      const kind = depth === steps.length - 1 ? 'endpoint' : 'bridge';
      if (address !== undefined && hasErrors(tree, directory)) found.set(address, { address, directory, kind });
    }
  }
  return [...found.values()];
}

/** A virtual function has no link of its own. */
function isWanted(tree: Tree, path: string): boolean {
  const kind = tree.word(`${path}/class`) ?? '';
  const wanted = ANYBODYS.test(kind) || (NVIDIAS.test(kind) && tree.word(`${path}/vendor`) === NVIDIA);
  return wanted && !tree.exists(`${path}/physfn`);
}

function hasErrors(tree: Tree, directory: string): boolean {
  return tree.exists(`${directory}/aer_dev_correctable`) || tree.exists(`${directory}/aer_dev_fatal`);
}

/** Recorded trees may hold the devices without the bus that links to them. */
function devicesOfRecording(tree: Tree): readonly string[] {
  const hosts = tree.names(DEVICES).filter((name) => /^pci[\da-f]{4,8}:[\da-f]{2}$/.test(name));
  return hosts.flatMap((name) => devicesBelow(tree, `${DEVICES}/${name}`, MAX_BRIDGES)).slice(0, MAX_DEVICES);
}

function devicesBelow(tree: Tree, path: string, depth: number): readonly string[] {
  if (depth === 0) return [];
  return tree
    .names(path)
    .filter((name) => canonicalPciAddress(name) !== undefined)
    .flatMap((name) => [`${path}/${name}`, ...devicesBelow(tree, `${path}/${name}`, depth - 1)]);
}
