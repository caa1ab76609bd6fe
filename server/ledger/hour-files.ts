// Hours of the ledger that are over, one file each: JSON lines, gzip, written whole or not at all.
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import * as v from 'valibot';
import { bookKeys } from './book-key.ts';
import { HOUR_MS, type Cell } from './hour-book.ts';

const text = v.pipe(v.string(), v.maxLength(1024));
const row = v.object({
  node: text,
  gpu: text,
  uuid: text,
  job: text,
  user: text,
  account: text,
  partition: text,
  key: v.picklist(bookKeys),
  ms: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
});
const MOST_BYTES = 512 * 1024 * 1024;
const NAME = /^(\d{4}-\d\d-\d\dT\d\d)\.jsonl\.gz$/;

export class HourFiles {
  readonly #folder: string;
  readonly #keepMs: number;
  readonly #onDamage: (file: string, reason: string) => void;

  constructor(folder: string, keepMs: number, onDamage: (file: string, reason: string) => void) {
    this.#folder = folder;
    this.#keepMs = keepMs;
    this.#onDamage = onDamage;
    mkdirSync(folder, { recursive: true });
  }

  /** Replaces what there was of the hour; forgets hours that are too old. Throws what the file system says. */
  write(hourMs: number, cells: readonly Cell[]): void {
    const file = join(this.#folder, nameOf(hourMs));
    writeFileSync(`${file}.new`, gzipSync(cells.map((cell) => `${JSON.stringify(cell)}\n`).join(''), { level: 1 }));
    renameSync(`${file}.new`, file);
    for (const old of this.hours())
      if (old < hourMs - this.#keepMs) rmSync(join(this.#folder, nameOf(old)), { force: true });
  }

  /** In order of time. */
  hours(): readonly number[] {
    return readdirSync(this.#folder)
      .flatMap((name) => {
        const [, hour] = NAME.exec(name) ?? [];
        const ms = hour === undefined ? NaN : Date.parse(`${hour}:00:00Z`);
        return Number.isNaN(ms) ? [] : [ms];
      })
      .sort((a, b) => a - b);
  }

  /** A damaged file is set aside and gives nothing. */
  read(hourMs: number): readonly Cell[] {
    const file = join(this.#folder, nameOf(hourMs));
    try {
      const lines = gunzipSync(readFileSync(file), { maxOutputLength: MOST_BYTES }).toString().split('\n');
      return lines.filter((line) => line !== '').map((line) => v.parse(row, JSON.parse(line)));
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
      renameSync(file, `${file}.damaged`);
      this.#onDamage(file, error instanceof Error ? error.message : String(error));
      return [];
    }
  }
}

function nameOf(hourMs: number): string {
  return `${new Date(Math.floor(hourMs / HOUR_MS) * HOUR_MS).toISOString().slice(0, 13)}.jsonl.gz`;
}
