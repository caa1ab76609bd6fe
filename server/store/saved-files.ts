// Small named files that are replaced as a whole: DATA/saved/NAME. And DATA/id, which is made once.
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFolder, writeSynced } from './schema-files.ts';

const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;

export class SavedFiles {
  readonly #folder: string;
  readonly #atStart: ReadonlyMap<string, Uint8Array>;
  /** The last write of each name: writes of one name follow each other. */
  readonly #writing = new Map<string, Promise<void>>();

  private constructor(folder: string, atStart: ReadonlyMap<string, Uint8Array>) {
    this.#folder = folder;
    this.#atStart = atStart;
  }

  static async open(folder: string): Promise<SavedFiles> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const atStart = new Map<string, Uint8Array>();
    for (const name of await readdir(folder)) {
      const file = join(folder, name);
      if (name.endsWith('.tmp')) await unlink(file);
      else if (NAME.test(name)) atStart.set(name, new Uint8Array(await readFile(file)));
    }
    return new SavedFiles(folder, atStart);
  }

  read(name: string): Uint8Array | undefined {
    return this.#atStart.get(name);
  }

  save(name: string, bytes: Uint8Array): Promise<void> {
    if (!NAME.test(name) || name.endsWith('.tmp'))
      throw new Error(`${JSON.stringify(name)} is no name for a saved file`);
    const before = this.#writing.get(name) ?? Promise.resolve();
    const write = before
      .catch(() => undefined)
      .then(async () => {
        await writeSynced(join(this.#folder, name), bytes);
        await syncFolder(this.#folder);
      });
    this.#writing.set(name, write);
    return write;
  }

  /** Waits for what is being written. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#writing.values());
  }
}

/** 24 hex digits; a file that holds anything else is replaced. */
export async function readId(folder: string): Promise<string> {
  const file = join(folder, 'id');
  const found = (await readFile(file, 'utf8').catch(() => '')).trim();
  if (/^[0-9a-f]{24}$/.test(found)) return found;
  const id = randomBytes(12).toString('hex');
  await writeSynced(file, Buffer.from(`${id}\n`));
  await syncFolder(folder);
  return id;
}
