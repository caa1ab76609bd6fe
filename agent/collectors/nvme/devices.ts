// Where NVMe controllers and namespaces are. Recorded trees may hold the devices without the class that links to them.
import { isAbsent } from '#agent/contract';
import type { Tree } from '../../sources/tree.ts';

const CLASS = 'sys/class/nvme';
const SUBSYSTEMS = 'sys/class/nvme-subsystem';
const MAX_BRIDGES = 12;

const controllerName = /^nvme\d+$/;
const namespaceName = /^nvme\d+(?:c\d+)?n\d+$/;
const pciName = /^[\da-f]{4,}:[\da-f]{2}:[\da-f]{2}\.[\da-f]$/;

/** Directory of every controller by its name. */
export function findControllers(tree: Tree): ReadonlyMap<string, string> {
  const found = new Map(children(tree, CLASS, controllerName));
  for (const subsystem of findSubsystems(tree)) {
    for (const [name, path] of children(tree, subsystem, controllerName)) if (!found.has(name)) found.set(name, path);
  }
  // The devices themselves know more than a class that was recorded without links.
  if (!tree.isHost) for (const [name, path] of controllersOnPci(tree)) found.set(name, path);
  return found;
}

export function findSubsystems(tree: Tree): readonly string[] {
  return tree
    .names(SUBSYSTEMS)
    .filter((name) => /^nvme-subsys\d+$/.test(name))
    .map((name) => `${SUBSYSTEMS}/${name}`);
}

/** Directory of every namespace, path and head by its name, where no sys/block lists them. */
export function findNvmeNamespaces(tree: Tree): ReadonlyMap<string, string> {
  const directories = [...findControllers(tree).values(), ...findSubsystems(tree)];
  return new Map(directories.flatMap((directory) => children(tree, directory, namespaceName)));
}

/** The PCI device on the way to a path of the tree: its directory and address. */
export function pciDeviceOf(
  tree: Tree,
  path: string,
): { readonly directory: string; readonly address: string } | undefined {
  const resolved = tree.resolve(path);
  if (isAbsent(resolved)) return undefined;
  const steps = resolved.split('/');
  const last = steps.findLastIndex((step) => pciName.test(step));
  return last === -1 ? undefined : { directory: steps.slice(0, last + 1).join('/'), address: steps[last] ?? '' };
}

function controllersOnPci(tree: Tree): readonly (readonly [string, string])[] {
  const hosts = tree.names('sys/devices').filter((name) => name.startsWith('pci'));
  const listed = tree.names('sys/bus/pci/devices').map((name) => `sys/bus/pci/devices/${name}`);
  const devices = [...listed, ...hosts.flatMap((name) => pciDevicesBelow(tree, `sys/devices/${name}`, MAX_BRIDGES))];
  return devices.flatMap((device) => children(tree, `${device}/nvme`, controllerName));
}

function pciDevicesBelow(tree: Tree, path: string, depth: number): readonly string[] {
  if (depth === 0) return [];
  return children(tree, path, pciName).flatMap(([, child]) => [child, ...pciDevicesBelow(tree, child, depth - 1)]);
}

function children(tree: Tree, directory: string, pattern: RegExp): readonly (readonly [string, string])[] {
  return tree
    .names(directory)
    .filter((name) => pattern.test(name))
    .map((name) => [name, `${directory}/${name}`]);
}
