// The series lists of agents, each once: DATA/schemas/HASH, deflated JSON. A file is on the disk before a record that
// names it counts as stored, and goes with the last segment that names it.
import { createHash } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { SchemaMessage } from '#agent/contract';

type Series = SchemaMessage['series'];

/** Ten times what the largest schema can be by the limits of the wire. */
const MAX_JSON_BYTES = 64 << 20;
/** Fewer than there are threads for files: the journal needs one as well. */
const AT_ONCE = 3;
const NAME = /^[0-9a-f]{32}$/;

export class SchemaFiles {
  readonly #folder: string;
  readonly #onDisk: Set<string>;
  /** Not yet on the disk. */
  readonly #unwritten = new Map<string, string>();

  private constructor(folder: string, onDisk: Set<string>) {
    this.#folder = folder;
    this.#onDisk = onDisk;
  }

  static async open(folder: string): Promise<SchemaFiles> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const names = await readdir(folder);
    await Promise.all(
      names.filter((name) => name.endsWith('.tmp')).map((name) => unlink(join(folder, name)).catch(() => undefined)),
    );
    return new SchemaFiles(folder, new Set(names.filter((name) => NAME.test(name))));
  }

  get names(): ReadonlySet<string> {
    return this.#onDisk;
  }

  isOnDisk(name: string): boolean {
    return this.#onDisk.has(name);
  }

  /** Whether `sync` has something to do. */
  get hasUnwritten(): boolean {
    return this.#unwritten.size > 0;
  }

  /** Gives the name of the series list; it is written with the next `sync`. */
  add(series: Series): string {
    const json = JSON.stringify(series);
    const name = nameOf(json);
    if (!this.#onDisk.has(name)) this.#unwritten.set(name, json);
    return name;
  }

  /** All that were added are on the disk afterwards. */
  async sync(): Promise<void> {
    if (this.#unwritten.size === 0) return;
    const names = [...this.#unwritten];
    // Side by side: the file system makes one journal entry of several syncs.
    for (let at = 0; at < names.length; at += AT_ONCE) {
      const some = names.slice(at, at + AT_ONCE);
      await Promise.all(
        some.map(([name, json]) => writeSynced(join(this.#folder, name), deflateRawSync(json, { level: 1 }))),
      );
    }
    await syncFolder(this.#folder);
    for (const [name] of names) {
      this.#unwritten.delete(name);
      this.#onDisk.add(name);
    }
  }

  /** The JSON of a series list; undefined if the file is missing or damaged: frames of it cannot be read. */
  async readText(name: string): Promise<string | undefined> {
    const unwritten = this.#unwritten.get(name);
    if (unwritten !== undefined) return unwritten;
    try {
      const bytes = await readFile(join(this.#folder, name));
      const json = inflateRawSync(bytes, { maxOutputLength: MAX_JSON_BYTES }).toString();
      if (nameOf(json) !== name) throw new Error('the content is another');
      return json;
    } catch {
      // The next session that has these series writes it again.
      this.#onDisk.delete(name);
      return undefined;
    }
  }

  async read(name: string): Promise<Series | undefined> {
    const json = await this.readText(name);
    return json === undefined ? undefined : parseSeries(json);
  }

  async remove(name: string): Promise<void> {
    this.#onDisk.delete(name);
    await unlink(join(this.#folder, name)).catch(() => undefined);
  }
}

/** Its name is its checksum, so it is what was checked when it came. */
export function parseSeries(json: string): Series {
  return JSON.parse(json) as Series;
}

function nameOf(json: string): string {
  return createHash('sha256').update(json).digest('hex').slice(0, 32);
}

/** Writes a file that is there as a whole or not at all; its folder has still to be synced. */
export async function writeSynced(file: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(`${file}.tmp`, 'w', 0o600);
  try {
    await handle.writeFile(bytes);
    await handle.datasync();
  } finally {
    await handle.close();
  }
  await rename(`${file}.tmp`, file);
}

export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
