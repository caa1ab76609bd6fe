// Lays out a file tree: fixed files once, changing files kept open and rewritten in place (rule: slot-text.ts).
import {
  closeSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { SlotText } from './slot-text.ts';

/** Fixed files of the same content are one file with many names: a page of memory each is much for 10,000 zeros. */
export type FilePool = Map<string, string>;

/** What writers of files that never change need. */
export type FixedTree = Pick<TreeWriter<never>, 'directory' | 'file' | 'files' | 'has' | 'link'>;

interface LiveFile<S> {
  readonly descriptor: number;
  readonly text: SlotText<S>;
}

interface ChangingFile<S> {
  /** A descriptor, or the path of a file that is not kept open. */
  readonly file: number | string;
  readonly read: (state: S) => string;
  text: string | undefined;
}

export class TreeWriter<S> {
  readonly root: string;
  readonly #pool: FilePool;
  readonly #directories = new Set<string>();
  readonly #live: LiveFile<S>[] = [];
  readonly #changing: ChangingFile<S>[] = [];

  constructor(root: string, pool: FilePool = new Map()) {
    this.root = root;
    this.#pool = pool;
  }

  directory(path: string): void {
    const full = join(this.root, path);
    if (this.#directories.has(full)) return;
    mkdirSync(full, { recursive: true });
    this.#directories.add(full);
  }

  /** Whether something was laid out in this directory. */
  has(directory: string): boolean {
    return this.#directories.has(join(this.root, directory));
  }

  file(path: string, content: string): void {
    const full = this.#place(path);
    const twin = this.#pool.get(content);
    if (twin !== undefined && linked(twin, full)) return;
    writeFileSync(full, content);
    this.#pool.set(content, full);
  }

  /** One value per file, as sysfs has it. */
  files(directory: string, values: Readonly<Record<string, string | number>>): void {
    for (const [name, value] of Object.entries(values)) this.file(`${directory}/${name}`, `${value}\n`);
  }

  /** A relative link from one path of the tree to another, as the kernel writes them. */
  link(path: string, target: string): void {
    symlinkSync(relative(dirname(path), target), this.#place(path));
  }

  /** A file whose numbers follow the state. */
  live(path: string, layOut: (text: SlotText<S>) => unknown): void {
    const text = new SlotText<S>();
    layOut(text);
    this.#live.push({ descriptor: openSync(this.#place(path), 'w'), text });
  }

  /** A file with nothing but one number. */
  liveValue(path: string, read: (state: S) => string | number | { toString(): string }): void {
    this.live(path, (text) => text.slot({ width: VALUE_WIDTH, read }).text('\n'));
  }

  /** A short text that changes in length too. */
  changing(path: string, read: (state: S) => string | number): void {
    this.#changing.push({
      file: openSync(this.#place(path), 'w'),
      read: (state) => `${read(state)}\n`,
      text: undefined,
    });
  }

  /** A short text that hardly ever changes: it is not kept open. */
  seldom(path: string, read: (state: S) => string | number): void {
    this.#changing.push({ file: this.#place(path), read: (state) => `${read(state)}\n`, text: undefined });
  }

  update(state: S): void {
    for (const { descriptor, text } of this.#live) {
      const bytes = text.render(state);
      if (text.changed) writeSync(descriptor, bytes, 0, bytes.length, 0);
    }
    for (const changing of this.#changing) {
      const text = changing.read(state);
      if (text === changing.text) continue;
      overwrite(changing.file, text, changing.text);
      changing.text = text;
    }
  }

  close(): void {
    for (const { descriptor } of this.#live.splice(0)) closeSync(descriptor);
    for (const { file } of this.#changing.splice(0)) if (typeof file === 'number') closeSync(file);
  }

  #place(path: string): string {
    this.directory(dirname(path));
    return join(this.root, path);
  }
}

/** As long as the longest count of 64 bits. */
const VALUE_WIDTH = 20;

/** In place: who has the file open reads on. */
function overwrite(file: number | string, text: string, before: string | undefined): void {
  if (typeof file === 'string') {
    writeFileSync(file, text);
    return;
  }
  const written = writeSync(file, text, 0, 'latin1');
  if (written < (before?.length ?? 0)) ftruncateSync(file, written);
}

function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch {
    // A file system without hard links, or a file with too many: write the content again.
    return false;
  }
}
