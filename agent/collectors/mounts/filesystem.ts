// Series of one mounted file system.
import type { AbsenceReason } from '#agent/contract';
import type { Mount } from '../../parse/mountinfo.ts';
import type { Capacity } from '../../parse/statfs-output.ts';
import type { GaugeSeries, SeriesGroup } from '../../snapshot.ts';

export type CapacityAnswer =
  | { readonly kind: 'answered'; readonly capacity: Capacity }
  /** It was asked and did not answer. */
  | { readonly kind: 'silent'; readonly reason: AbsenceReason }
  /** It could not be asked: nothing is known of it. */
  | { readonly kind: 'unknown'; readonly reason: AbsenceReason };

export class Filesystem {
  readonly group: SeriesGroup;
  readonly mountpoint: string;
  readonly fstype: string;
  readonly #up: GaugeSeries<'boolean'>;
  readonly #size: GaugeSeries<'bytes'>;
  readonly #available: GaugeSeries<'bytes'>;
  readonly #files: GaugeSeries<'count'>;
  readonly #filesFree: GaugeSeries<'count'>;

  constructor(group: SeriesGroup, { mount, disks }: { readonly mount: Mount; readonly disks: readonly string[] }) {
    const { mountpoint, fstype } = mount;
    const labels = { device: mount.source, fstype, mountpoint };
    this.group = group;
    this.mountpoint = mountpoint;
    this.fstype = fstype;
    this.#size = group.gauge('filesystem_size_bytes', labels);
    this.#available = group.gauge('filesystem_avail_bytes', labels);
    this.#files = group.gauge('filesystem_files', labels);
    this.#filesFree = group.gauge('filesystem_files_free', labels);
    this.#up = group.gauge('filesystem_up', labels);
    group.gauge('filesystem_readonly', labels).set(mount.readonly ? 1 : 0);
    for (const device of disks) group.info('filesystem_disk_info', { mountpoint, device });
  }

  set(answer: CapacityAnswer): void {
    switch (answer.kind) {
      case 'answered':
        this.#up.set(1);
        this.#setCapacity(answer.capacity);
        return;
      case 'silent':
        this.#up.set(0);
        this.#absent(answer.reason);
        return;
      case 'unknown':
        this.#up.absent(answer.reason);
        this.#absent(answer.reason);
        return;
    }
  }

  /** File systems that make inodes as they need them say that they have none. */
  #setCapacity({ size, available, files, filesFree }: Capacity): void {
    this.#size.set(size);
    this.#available.set(available);
    if (files > 0) {
      this.#files.set(files);
      this.#filesFree.set(filesFree);
    } else {
      this.#files.absent('unsupported');
      this.#filesFree.absent('unsupported');
    }
  }

  #absent(reason: AbsenceReason): void {
    for (const series of [this.#size, this.#available, this.#files, this.#filesFree]) series.absent(reason);
  }
}
