// Files of lines `name value`, of which a few are wanted: /proc/meminfo, /proc/vmstat. Documentation/filesystems/proc.rst.
import { absent, type Absence, type Steps } from '#agent/contract';
import { ByteCursor } from './bytes.ts';
import { ParseError } from './parse-error.ts';

/** Values by key: unsupported where the kernel has no such line, malformed where it has no number. */
export type KeyedCounts<K extends string> = (key: K) => Steps | Absence;

export class KeyedCountsParser<K extends string> {
  readonly #cursor = new ByteCursor();
  readonly #entries: readonly Entry[];
  readonly #entryOf: ReadonlyMap<string, Entry>;
  readonly #wantedFirst = new Uint8Array(256);

  /** Keys as they stand in the file, with what separates them from the value: `MemTotal:`, `oom_kill `. */
  constructor(keys: readonly K[]) {
    this.#entries = keys.map((key) => ({ bytes: Buffer.from(key), value: unsupported }));
    this.#entryOf = new Map(keys.map((key, index) => [key, this.#entries[index] ?? nothing]));
    for (const { bytes } of this.#entries) this.#wantedFirst[bytes[0] ?? 0] = 1;
  }

  readonly #valueOf: KeyedCounts<K> = (key) => this.#entryOf.get(key)?.value ?? unsupported;

  /** The result holds until the next pass. */
  parse(bytes: Buffer, source: string): KeyedCounts<K> {
    const cursor = this.#cursor;
    const entries = this.#entries;
    for (const entry of entries) entry.value = unsupported;
    cursor.reset(bytes, source);
    let found = 0;
    while (!cursor.isAtEnd && found < entries.length) {
      if (this.#wantedFirst[bytes[cursor.at] ?? 0] === 1 && this.#readLine()) found++;
      cursor.nextLine();
    }
    if (found === 0) {
      cursor.at = 0;
      cursor.fail(`lines such as "${entries[0]?.bytes.toString() ?? ''}" and a number`);
    }
    return this.#valueOf;
  }

  #readLine(): boolean {
    for (const entry of this.#entries) {
      if (!this.#cursor.take(entry.bytes)) continue;
      entry.value = this.#value();
      return true;
    }
    return false;
  }

  #value(): Steps | Absence {
    try {
      return this.#cursor.count();
    } catch (error) {
      if (error instanceof ParseError) return absent('malformed');
      throw error;
    }
  }
}

interface Entry {
  readonly bytes: Buffer;
  value: Steps | Absence;
}

const unsupported = absent('unsupported');
const nothing: Entry = { bytes: Buffer.alloc(0), value: unsupported };
