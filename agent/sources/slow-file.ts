// A file whose driver asks its device while somebody reads: hwmon of an NVMe drive is an admin command.
// It is read in a thread of Node's pool, and at most one thread waits: a process per round would cost more than the whole
// slow lane, a worker of our own can be killed no better, and the kernel itself gives an admin command up after a minute.
import { closeSync, read } from 'node:fs';
import { absenceOfErrno, absent, isAbsent, type Absence } from '#agent/contract';
import { errnoOf, type Tree } from './tree.ts';

const MAX_BYTES = 4096;

/** Reads from the start of a descriptor and tells the number of bytes once. */
export type ReadDescriptor = (
  descriptor: number,
  buffer: Buffer,
  done: (error: Error | null, length: number) => void,
) => void;

const readInPool: ReadDescriptor = (descriptor, buffer, done) => {
  read(descriptor, buffer, 0, buffer.length, 0, done);
};

export class SlowFiles {
  readonly #tree: Tree;
  readonly #read: ReadDescriptor;
  #waiting = false;

  constructor(tree: Tree, read: ReadDescriptor = readInPool) {
    this.#tree = tree;
    this.#read = read;
  }

  /** An earlier read has not come back: nobody is asked meanwhile. */
  get isWaiting(): boolean {
    return this.#waiting;
  }

  /** Timed out at once while an earlier read waits. */
  read(path: string, timeoutMs: number): Promise<string | Absence> {
    // What came over SSH has been waited for already.
    if (this.#tree.via === 'ssh') return Promise.resolve(this.#tree.text(path));
    if (this.#waiting) return Promise.resolve(absent('timed_out'));
    const descriptor = this.#tree.open(path);
    if (isAbsent(descriptor)) return Promise.resolve(descriptor);
    this.#waiting = true;
    return new Promise((resolve) => {
      const deadline = setTimeout(() => {
        // An answer may have come while we ourselves were held up: it is taken before the immediate runs.
        setImmediate(() => {
          resolve(absent('timed_out'));
        });
      }, timeoutMs);
      const buffer = Buffer.alloc(MAX_BYTES);
      this.#read(descriptor, buffer, (error, length) => {
        clearTimeout(deadline);
        this.#waiting = false;
        close(descriptor);
        resolve(error ? absent(absenceOfErrno(errnoOf(error))) : buffer.toString('latin1', 0, length));
      });
    });
  }
}

function close(descriptor: number): void {
  try {
    closeSync(descriptor);
  } catch {
    // A descriptor of a device that is gone: closing can fail, and nothing is left to be closed.
  }
}
