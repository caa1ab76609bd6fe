// The one reader of file trees: /proc, /sys and /etc below a root, with kept descriptors and synchronous positional reads.
// Below another root than / it behaves like chroot: absolute links start at the root and no link leads out of it.
import { closeSync, constants, lstatSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { absenceOfErrno, absent, isAbsent, type Absence } from '#agent/contract';

const MAX_LINKS = 40;
const MAX_FILE_BYTES = 16 * 1024 * 1024;
// A FIFO in place of a file must not block the agent.
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK;

let buffer = Buffer.allocUnsafeSlow(128 * 1024);

export class Tree {
  readonly root: string;
  /** How the node is read: by an agent on it, or from elsewhere (remote-tree.ts). */
  readonly via: 'agent' | 'ssh' = 'agent';
  readonly #kept = new Set<KeptFile>();

  constructor(root = '/') {
    this.root = root;
  }

  /** True for the machine itself, false below `--root`. */
  get isHost(): boolean {
    return this.root === '/';
  }

  /** Of the node; empty where the tree does not say: a recorded one may be of another machine than the one that reads it. */
  get arch(): string {
    return this.isHost ? process.arch : '';
  }

  /** Names in a directory, sorted. */
  list(path: string): readonly string[] | Absence {
    return this.#attempt(path, (hostPath) => readdirSync(hostPath).toSorted());
  }

  /** Names in a directory, none if it cannot be listed. */
  names(path: string): readonly string[] {
    const names = this.list(path);
    return isAbsent(names) ? [] : names;
  }

  exists(path: string): boolean {
    return !isAbsent(this.#attempt(path, (hostPath) => lstatSync(hostPath)));
  }

  /** A whole file as text, opened and closed at once: for discovery, not for every tick. */
  text(path: string): string | Absence {
    const file = this.file(path);
    try {
      const bytes = file.read();
      return isAbsent(bytes) ? bytes : bytes.toString('utf8');
    } finally {
      file.close();
    }
  }

  /** Text without blanks around it; undefined if there is none. */
  word(path: string): string | undefined {
    const text = this.text(path);
    return isAbsent(text) ? undefined : text.trim();
  }

  /** Where a path leads when all its links are followed, as a path of this tree. */
  resolve(path: string): string | Absence {
    return this.#attempt(path, (hostPath) => {
      const resolved = this.isHost ? this.#follow(path) : hostPath.slice(this.root.length);
      return resolved === '' ? '/' : resolved;
    });
  }

  /** A file that is read again and again. It opens at the first read and again after its device came back. */
  file(path: string): KeptFile {
    const file = new KeptFile(this, path, () => this.#kept.delete(file));
    this.#kept.add(file);
    return file;
  }

  /** Opens a path of this tree; the caller closes the descriptor. */
  open(path: string): number | Absence {
    return this.#attempt(path, (hostPath) => openSync(hostPath, OPEN_FLAGS));
  }

  close(): void {
    for (const file of this.#kept) file.close();
  }

  #attempt<T>(path: string, use: (hostPath: string) => T): T | Absence {
    try {
      return use(this.isHost ? join('/', path) : this.#follow(path));
    } catch (error) {
      return absent(absenceOfErrno(errnoOf(error)));
    }
  }

  /** Follows links by hand so that none leads out of the root. Throws ENOENT, ELOOP as the kernel would. */
  #follow(path: string): string {
    const base = this.isHost ? '' : this.root;
    const rest = path.split('/').filter((part) => part !== '' && part !== '.');
    const done: string[] = [];
    let links = 0;
    for (let part = rest.shift(); part !== undefined; part = rest.shift()) {
      if (part === '..') {
        done.pop();
        continue;
      }
      const here = `${base}/${[...done, part].join('/')}`;
      if (!lstatSync(here).isSymbolicLink()) {
        done.push(part);
        continue;
      }
      if (++links > MAX_LINKS) throw Object.assign(new Error(`too many links in ${path}`), { code: 'ELOOP' });
      const target = readlinkSync(here);
      if (target.startsWith('/')) done.length = 0;
      rest.unshift(...target.split('/').filter((step) => step !== '' && step !== '.'));
    }
    return done.length === 0 && this.isHost ? '/' : `${base}/${done.join('/')}`.replace(/\/$/, '');
  }
}

export class KeptFile {
  readonly path: string;
  readonly #tree: Tree;
  readonly #forget: () => void;
  #descriptor: number | undefined;

  constructor(tree: Tree, path: string, forget: () => void) {
    this.#tree = tree;
    this.path = path;
    this.#forget = forget;
  }

  /** The file's bytes from its start, valid until the next read of any file. A device that went away is reopened next time. */
  read(): Buffer | Absence {
    if (this.#descriptor === undefined) {
      const opened = this.#tree.open(this.path);
      if (isAbsent(opened)) return opened;
      this.#descriptor = opened;
    }
    try {
      return readWhole(this.#descriptor);
    } catch (error) {
      const code = errnoOf(error);
      if (code !== 'EINVAL' && code !== 'EIO' && code !== 'EAGAIN') this.#release();
      return absent(absenceOfErrno(code));
    }
  }

  close(): void {
    this.#release();
    this.#forget();
  }

  #release(): void {
    if (this.#descriptor === undefined) return;
    try {
      closeSync(this.#descriptor);
    } catch {
      // A descriptor of a device that is gone: closing can fail, and nothing is left to be closed.
    }
    this.#descriptor = undefined;
  }
}

/** Reads until the end: one read of a longer file in /proc may return only its first page. */
function readWhole(descriptor: number): Buffer {
  let length = 0;
  for (;;) {
    if (length === buffer.length) grow();
    const got = readSync(descriptor, buffer, length, buffer.length - length, length);
    if (got === 0) return buffer.subarray(0, length);
    length += got;
    // Short files are whole after one read: a second one would double the cost of every counter.
    if (length < 3072) return buffer.subarray(0, length);
  }
}

function grow(): void {
  if (buffer.length >= MAX_FILE_BYTES) throw Object.assign(new Error('file too large'), { code: 'EFBIG' });
  const grown = Buffer.allocUnsafeSlow(buffer.length * 2);
  buffer.copy(grown);
  buffer = grown;
}

export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
