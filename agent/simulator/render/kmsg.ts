// dev/kmsg of a node as a regular file that grows: one record a line. Documentation/ABI/testing/dev-kmsg.
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { renderRecord, type KernelRecord } from '../kernel-log.ts';

export class KmsgFile {
  readonly #descriptor: number;
  #written = 0;

  constructor(root: string) {
    const path = join(root, 'dev/kmsg');
    mkdirSync(dirname(path), { recursive: true });
    this.#descriptor = openSync(path, 'a');
  }

  /** Appends what has come since the last time, in one write. */
  update(records: readonly KernelRecord[]): void {
    if (records.length === this.#written) return;
    writeSync(this.#descriptor, records.slice(this.#written).map(renderRecord).join(''));
    this.#written = records.length;
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}
