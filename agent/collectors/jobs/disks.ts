// Bytes of a cgroup over all its disks, each byte once: md and dm pass on what they are given to disks that count it too.
// Documentation/admin-guide/cgroup-v2.rst (io.stat), Documentation/ABI/stable/sysfs-block (slaves).
import { isAbsent, type Absence } from '#agent/contract';
import type { CgroupIo } from '../../parse/cgroup-io.ts';
import type { Tree } from '../../sources/tree.ts';
import type { CgroupUse } from './cgroup-use.ts';

export class CgroupDisks {
  readonly #tree: Tree;
  readonly #isView = new Map<string, boolean>();

  constructor(tree: Tree) {
    this.#tree = tree;
  }

  sum(devices: readonly CgroupIo[] | Absence): Pick<CgroupUse, 'readBytes' | 'writtenBytes'> {
    if (isAbsent(devices)) return { readBytes: devices, writtenBytes: devices };
    let readBytes = 0;
    let writtenBytes = 0;
    for (const io of devices) {
      if (this.#passesOn(io.device)) continue;
      readBytes += io.readBytes;
      writtenBytes += io.writtenBytes;
    }
    return { readBytes, writtenBytes };
  }

  #passesOn(device: string): boolean {
    const known = this.#isView.get(device);
    if (known !== undefined) return known;
    const isView = this.#tree.names(`sys/dev/block/${device}/slaves`).length > 0;
    this.#isView.set(device, isView);
    return isView;
  }
}
