// The database of the history: rows of the last hours, the dictionary of series, gaps, which Parquet files there are, and up to
// where the journal is in it. Whatever belongs together is written in one transaction.
import { mkdirSync, renameSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  DuckDBDataChunk,
  DuckDBInstance,
  FLOAT,
  UINTEGER,
  USMALLINT,
  type DuckDBConnection,
  type DuckDBValue,
} from '@duckdb/node-api';
import type { Log } from '../log.ts';
import { Slices } from '../store/slices.ts';
import type { NewSeries, Row } from './rows.ts';

/** Rows of a chunk: the most that DuckDB takes at once. */
const CHUNK_ROWS = 2048;
const columnTypes = [UINTEGER, UINTEGER, USMALLINT, FLOAT, FLOAT, FLOAT, FLOAT] as const;

export interface DatabaseSettings {
  readonly memoryBytes: number;
}

export class Database {
  readonly #instance: DuckDBInstance;
  readonly #connection: DuckDBConnection;

  private constructor(instance: DuckDBInstance, connection: DuckDBConnection) {
    this.#instance = instance;
    this.#connection = connection;
  }

  /** A database that cannot be opened is set aside: its rows come again from the journal, as far as that reaches. */
  static async open(folder: string, { memoryBytes }: DatabaseSettings, log: Log): Promise<Database> {
    mkdirSync(join(folder, 'tmp'), { recursive: true, mode: 0o700 });
    const file = join(folder, 'history.duckdb');
    const options = {
      threads: '1',
      memory_limit: `${Math.round(memoryBytes / 1e6)}MB`,
      temp_directory: join(folder, 'tmp'),
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
      allow_community_extensions: 'false',
    };
    try {
      return await Database.#create(file, options);
    } catch (error) {
      if (!existsSync(file)) throw error;
      const aside = `${file}.damaged-${Date.now()}`;
      log.warn('the database of the history cannot be opened and is set aside', { aside, reason: String(error) });
      renameSync(file, aside);
      if (existsSync(`${file}.wal`)) renameSync(`${file}.wal`, `${aside}.wal`);
      return Database.#create(file, options);
    }
  }

  static async #create(file: string, options: Record<string, string>): Promise<Database> {
    const instance = await DuckDBInstance.create(file, options);
    const connection = await instance.connect();
    const database = new Database(instance, connection);
    await connection.run(`
      CREATE TABLE IF NOT EXISTS meta (name VARCHAR PRIMARY KEY, value BIGINT);
      CREATE TABLE IF NOT EXISTS series (id UINTEGER PRIMARY KEY, node VARCHAR, metric VARCHAR, labels VARCHAR);
      CREATE TABLE IF NOT EXISTS rows (
        series UINTEGER, minute UINTEGER, count USMALLINT, weight FLOAT, mean FLOAT, min FLOAT, max FLOAT);
      CREATE TABLE IF NOT EXISTS gaps (
        node VARCHAR, instance VARCHAR, from_seq BIGINT, to_seq BIGINT, from_ms BIGINT, to_ms BIGINT, reason VARCHAR);
      CREATE TABLE IF NOT EXISTS files (
        name VARCHAR PRIMARY KEY, kind VARCHAR, from_minute UINTEGER, to_minute UINTEGER, bytes BIGINT);
    `);
    return database;
  }

  async all<T extends object>(sql: string, values: DuckDBValue[] = []): Promise<readonly T[]> {
    const reader = await this.#connection.runAndReadAll(sql, values);
    return reader.getRowObjectsJS() as unknown as readonly T[]; // the caller names the columns of its own statement
  }

  async run(sql: string, values: DuckDBValue[] = []): Promise<void> {
    await this.#connection.run(sql, values);
  }

  /** All or nothing. */
  async transaction(work: () => Promise<void>): Promise<void> {
    await this.#connection.run('BEGIN TRANSACTION');
    try {
      await work();
      await this.#connection.run('COMMIT');
    } catch (error) {
      await this.#connection.run('ROLLBACK').catch(() => undefined);
      throw error;
    }
  }

  /** Within a transaction. In slices: the thread has journals to write. */
  async append(rows: Iterable<Row>): Promise<void> {
    const appender = await this.#connection.createAppender('rows');
    const slices = new Slices();
    let columns = emptyColumns();
    const flush = (): void => {
      const length = columns[0].length;
      if (length === 0) return;
      const chunk = DuckDBDataChunk.create(columnTypes, length);
      for (const [at, column] of columns.entries()) chunk.setColumnValues(at, column);
      appender.appendDataChunk(chunk);
      columns = emptyColumns();
    };
    for (const { series, minute, count, weight, mean, min, max } of rows) {
      const [c0, c1, c2, c3, c4, c5, c6] = columns;
      c0.push(series);
      c1.push(minute);
      c2.push(Math.min(count, 65_535));
      c3.push(weight);
      c4.push(mean);
      c5.push(min);
      c6.push(max);
      if (c0.length < CHUNK_ROWS) continue;
      flush();
      if (slices.isOver) await slices.rest();
    }
    flush();
    appender.closeSync();
  }

  /** Within a transaction. */
  async appendSeries(added: readonly NewSeries[]): Promise<void> {
    const appender = await this.#connection.createAppender('series');
    for (const { id, node, metric, labels } of added) {
      appender.appendUInteger(id);
      appender.appendVarchar(node);
      appender.appendVarchar(metric);
      appender.appendVarchar(labels);
      appender.endRow();
    }
    appender.closeSync();
  }

  close(): void {
    this.#connection.closeSync();
    this.#instance.closeSync();
  }
}

type Columns = [number[], number[], number[], number[], number[], number[], number[]];
const emptyColumns = (): Columns => [[], [], [], [], [], [], []];
