// From the database to Parquet: the rows of an hour that is over, the hours of a day, the hours of many days. A file is written
// under another name, renamed, and then entered in one transaction with what it replaces; one that is not entered is none.
import { mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Log } from '../log.ts';
import type { Database } from './database.ts';

export const HOUR = 60;
export const DAY = 24 * HOUR;
/** Late rows of an hour that is already a file make another file of it, so it is not made at once. */
const SETTLE_MINUTES = 2;
/** Small enough that a single series is cheap to read, large enough to compress. */
const ROW_GROUP = 30_720;

/** `minutes`: rows per minute, of an hour or a day. `hours`: the same per hour, of a day. */
export type FileKind = 'minutes' | 'hours';

export interface HistoryFile {
  readonly name: string;
  readonly kind: FileKind;
  readonly from_minute: number;
  readonly to_minute: number;
  readonly bytes: bigint;
}

/** Merges partial rows; `bucket` is an expression over `minute`. */
export const mergedColumns = (bucket: string): string =>
  `series, ${bucket} AS minute, sum(count) AS count, sum(weight) AS weight, ` +
  `sum(mean::DOUBLE * weight) / sum(weight) AS mean, min(min) AS min, max(max) AS max`;

export class HistoryFiles {
  readonly #folder: string;
  readonly #database: Database;
  readonly #log: Log;
  #list: readonly HistoryFile[] = [];

  constructor(folder: string, database: Database, log: Log) {
    this.#folder = folder;
    this.#database = database;
    this.#log = log;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }

  get list(): readonly HistoryFile[] {
    return this.#list;
  }
  get bytes(): number {
    return this.#list.reduce((sum, { bytes }) => sum + Number(bytes), 0);
  }

  async load(): Promise<void> {
    this.#list = await this.#database.all<HistoryFile>('SELECT * FROM files ORDER BY from_minute, name');
    for (const file of this.#list) {
      if (this.#sizeOf(file.name) === undefined) await this.setAside(file, 'it is gone');
    }
  }

  pathOf({ name }: Pick<HistoryFile, 'name'>): string {
    return join(this.#folder, name);
  }

  /** Does one piece of work if there is some. True if there may be more. */
  async work(nowMinute: number): Promise<boolean> {
    return (await this.#exportHour(nowMinute)) || (await this.#compactDay(nowMinute));
  }

  /** A file that cannot be read answers no more; the others do. */
  async setAside(file: HistoryFile, reason: string): Promise<void> {
    this.#log.warn('a file of the history cannot be read and is set aside', { file: file.name, reason });
    try {
      renameSync(this.pathOf(file), `${this.pathOf(file)}.damaged`);
    } catch {
      // It is gone.
    }
    await this.#database.run('DELETE FROM files WHERE name = $1', [file.name]);
    this.#list = this.#list.filter(({ name }) => name !== file.name);
  }

  /** Deletes what is older than it need be, and the oldest while all together are too large. */
  async retain(keep: {
    readonly minutesFrom: number;
    readonly hoursFrom: number;
    readonly capBytes: number;
  }): Promise<void> {
    const { minutesFrom, hoursFrom, capBytes } = keep;
    const isOld = ({ kind, to_minute }: HistoryFile): boolean =>
      to_minute <= (kind === 'hours' ? hoursFrom : minutesFrom);
    for (const file of this.#list.filter(isOld)) await this.#remove(file);
    while (this.bytes > capBytes) {
      const oldest = this.#list.find(({ kind }) => kind === 'minutes') ?? this.#list[0];
      if (!oldest) return;
      this.#log.warn('the history is larger than it may be: its oldest file goes', { file: oldest.name });
      await this.#remove(oldest);
    }
  }

  async #exportHour(nowMinute: number): Promise<boolean> {
    const [oldest] = await this.#database.all<{ minute: number | null }>('SELECT min(minute) AS minute FROM rows');
    if (oldest?.minute === undefined || oldest.minute === null) return false;
    const from = Math.floor(oldest.minute / HOUR) * HOUR;
    if (from + HOUR + SETTLE_MINUTES > nowMinute) return false;
    const where = `minute >= ${from} AND minute < ${from + HOUR}`;
    const select = `SELECT ${mergedColumns('minute')} FROM rows WHERE ${where} GROUP BY series, minute ORDER BY series, minute`;
    await this.#write({ kind: 'minutes', from, to: from + HOUR }, select, async () => {
      await this.#database.run(`DELETE FROM rows WHERE ${where}`);
    });
    return true;
  }

  /** All files of a day that is over become one, and its hours one of their own. */
  async #compactDay(nowMinute: number): Promise<boolean> {
    const days = Map.groupBy(
      this.#list.filter(({ kind }) => kind === 'minutes'),
      ({ from_minute }) => Math.floor(from_minute / DAY) * DAY,
    );
    for (const [from, files] of days) {
      const isOver = from + DAY + HOUR + SETTLE_MINUTES <= nowMinute;
      const isWhole = files.length === 1 && files[0]?.to_minute === from + DAY && files[0].from_minute === from;
      if (!isOver || isWhole) continue;
      const paths = files.map((file) => `'${this.pathOf(file)}'`).join(', ');
      const source = `read_parquet([${paths}])`;
      const select = (bucket: string): string =>
        `SELECT ${mergedColumns(bucket)} FROM ${source} GROUP BY ALL ORDER BY series, minute`;
      const hourFiles = this.#list.filter((file) => file.kind === 'hours' && file.from_minute === from);
      await this.#write({ kind: 'hours', from, to: from + DAY }, select(`(minute // ${HOUR}) * ${HOUR}`), () =>
        this.#enterRemoved(hourFiles),
      );
      await this.#write({ kind: 'minutes', from, to: from + DAY }, select('minute'), () => this.#enterRemoved(files));
      for (const file of [...files, ...hourFiles]) rmSync(this.pathOf(file), { force: true });
      return true;
    }
    return false;
  }

  async #enterRemoved(files: readonly HistoryFile[]): Promise<void> {
    for (const { name } of files) await this.#database.run('DELETE FROM files WHERE name = $1', [name]);
  }

  async #write(
    { kind, from, to }: { readonly kind: FileKind; readonly from: number; readonly to: number },
    select: string,
    replace: () => Promise<void>,
  ): Promise<void> {
    const name = this.#freeName(kind, from, to);
    const path = join(this.#folder, name);
    const typed = `SELECT series, minute::UINTEGER AS minute, count::UINTEGER AS count, weight::FLOAT AS weight, mean::FLOAT AS mean, min::FLOAT AS min, max::FLOAT AS max FROM (${select})`;
    await this.#database.run(
      `COPY (${typed}) TO '${path}.tmp' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${ROW_GROUP}, PARQUET_VERSION V2)`,
    );
    renameSync(`${path}.tmp`, path);
    const bytes = BigInt(statSync(path).size);
    await this.#database.transaction(async () => {
      await replace();
      await this.#database.run('INSERT INTO files VALUES ($1, $2, $3, $4, $5)', [name, kind, from, to, bytes]);
    });
    this.#list = await this.#database.all<HistoryFile>('SELECT * FROM files ORDER BY from_minute, name');
  }

  #freeName(kind: FileKind, from: number, to: number): string {
    const stem = `${kind}-${stamp(from)}${to - from === DAY ? '' : 'h'}`;
    for (let at = 0; ; at++) {
      const name = `${stem}${at === 0 ? '' : `-${at}`}.parquet`;
      if (!this.#list.some((file) => file.name === name)) return name;
    }
  }

  async #remove(file: HistoryFile): Promise<void> {
    await this.#database.run('DELETE FROM files WHERE name = $1', [file.name]);
    this.#list = this.#list.filter(({ name }) => name !== file.name);
    rmSync(this.pathOf(file), { force: true });
  }

  #sizeOf(name: string): number | undefined {
    try {
      return statSync(join(this.#folder, name)).size;
    } catch {
      return undefined; // not there
    }
  }
}

function stamp(minute: number): string {
  return new Date(minute * 60_000).toISOString().slice(0, 13).replace('T', '-');
}
