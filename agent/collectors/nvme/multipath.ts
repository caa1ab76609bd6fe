// Paths of multipath disks: a path is usable while its controller is live and its access is not refused (ana_state).
import type { GaugeSeries, SeriesGroup } from '../../snapshot.ts';
import type { Tree } from '../../sources/tree.ts';
import { findControllers, findSubsystems } from './devices.ts';

export interface NvmePath {
  /** Directory of the controller. */
  readonly controller: string;
  /** Directory of the hidden disk; undefined where only controllers are known. */
  readonly disk: string | undefined;
}

/** By the head of the disk, or by the subsystem where it shows no disk. */
export function findMultipaths(tree: Tree): ReadonlyMap<string, readonly NvmePath[]> {
  const found = new Map<string, NvmePath[]>();
  const add = (device: string, path: NvmePath): void => {
    const paths = found.get(device);
    if (paths) paths.push(path);
    else found.set(device, [path]);
  };
  for (const controller of findControllers(tree).values()) {
    for (const name of tree.names(controller)) {
      const match = /^nvme(\d+)c\d+n(\d+)$/.exec(name);
      if (match) add(`nvme${match[1] ?? ''}n${match[2] ?? ''}`, { controller, disk: `${controller}/${name}` });
    }
  }
  for (const subsystem of findSubsystems(tree)) {
    const members = tree.names(subsystem);
    if (members.some((name) => /^nvme\d+n\d+$/.test(name))) continue;
    const controllers = members.filter((name) => /^nvme\d+$/.test(name)).map((name) => `${subsystem}/${name}`);
    if (controllers.length < 2) continue;
    for (const controller of controllers) {
      add(subsystem.split('/').at(-1) ?? '', { controller, disk: undefined });
    }
  }
  return found;
}

export class MultipathDisk {
  readonly group: SeriesGroup;
  readonly #tree: Tree;
  readonly #count: GaugeSeries<'count'>;
  readonly #up: GaugeSeries<'count'>;
  #paths: readonly NvmePath[] = [];

  constructor(tree: Tree, group: SeriesGroup, device: string) {
    this.#tree = tree;
    this.group = group;
    this.#count = group.gauge('nvme_paths', { device });
    this.#up = group.gauge('nvme_paths_up', { device });
  }

  setPaths(paths: readonly NvmePath[]): void {
    this.#paths = paths;
  }

  read(): void {
    this.#count.set(this.#paths.length);
    this.#up.set(this.#paths.filter((path) => this.#isUsable(path)).length);
  }

  #isUsable({ controller, disk }: NvmePath): boolean {
    if (this.#tree.word(`${controller}/state`) !== 'live') return false;
    const access = disk === undefined ? undefined : this.#tree.word(`${disk}/ana_state`);
    return access === undefined || access === '' || access === 'optimized' || access === 'non-optimized';
  }
}
