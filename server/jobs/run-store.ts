// Runs of jobs on disk, so that a restart forgets none: DATA/jobs.sqlite. node:sqlite; DESIGN §4, control state.
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import * as v from 'valibot';
import { runKey, type JobRecord } from './job-record.ts';

const optionalNumber = v.optional(v.number());
const recordSchema = v.object({
  id: v.string(),
  displayId: v.string(),
  arrayJobId: v.string(),
  scheduler: v.picklist(['slurm', 'kubernetes', 'container', 'none']),
  isListed: v.boolean(),
  user: v.string(),
  account: v.string(),
  partition: v.string(),
  name: v.string(),
  kind: v.picklist(['batch', 'notebook', 'service']),
  startMs: v.number(),
  endMs: optionalNumber,
  gpus: v.array(v.object({ node: v.string(), uuid: v.string() })),
  /** JSON has no NaN. */
  cpus: v.nullable(v.number()),
  state: v.string(),
  nodes: v.nullable(v.number()),
  requestedGpus: v.number(),
  timeLimitS: optionalNumber,
  restarts: v.number(),
  unknownGpus: v.number(),
});
const rowsSchema = v.array(v.object({ record: v.string() }));

export class RunStore {
  readonly #database: DatabaseSync;

  /** Throws where the file cannot be opened or is none of ours. */
  constructor(file: string) {
    if (file !== ':memory:') mkdirSync(dirname(file), { recursive: true });
    this.#database = new DatabaseSync(file);
    this.#database.exec(`
      pragma journal_mode = wal;
      pragma synchronous = normal;
      create table if not exists runs (
        key text primary key, id text not null, display_id text not null,
        start_ms integer not null, end_ms integer, record text not null
      ) strict;
      create index if not exists runs_by_id on runs (id);
      create index if not exists runs_by_end on runs (end_ms);
    `);
  }

  save(records: readonly JobRecord[]): void {
    if (records.length === 0) return;
    const insert = this.#database.prepare('insert or replace into runs values (?, ?, ?, ?, ?, ?)');
    this.#database.exec('begin');
    try {
      for (const record of records) {
        const { id, displayId, startMs, endMs } = record;
        const row = [
          runKey(record),
          id,
          displayId,
          Math.round(startMs),
          endMs === undefined ? null : Math.round(endMs),
        ];
        insert.run(...row, JSON.stringify(record));
      }
      this.#database.exec('commit');
    } catch (error) {
      this.#database.exec('rollback');
      throw error;
    }
  }

  /** Those without an end, and those that ended since. */
  since(ms: number): readonly JobRecord[] {
    return this.#read('select record from runs where end_ms is null or end_ms >= ?', Math.round(ms));
  }

  /** All runs of a job, the newest first. */
  ofJob(id: string): readonly JobRecord[] {
    return this.#read('select record from runs where id = ?1 or display_id = ?1 order by start_ms desc', id);
  }

  /** Those that ran at a moment. */
  at(ms: number): readonly JobRecord[] {
    return this.#read(
      'select record from runs where start_ms <= ?1 and (end_ms is null or end_ms > ?1) order by start_ms desc',
      Math.round(ms),
    );
  }

  forgetBefore(ms: number): void {
    this.#database.prepare('delete from runs where end_ms < ?').run(Math.round(ms));
  }

  close(): void {
    this.#database.close();
  }

  #read(query: string, value: string | number): readonly JobRecord[] {
    return v.parse(rowsSchema, this.#database.prepare(query).all(value)).flatMap(({ record }) => readRecord(record));
  }
}

/** A record of another version is none. */
function readRecord(json: string): readonly JobRecord[] {
  const parsed = v.safeParse(recordSchema, JSON.parse(json));
  if (!parsed.success) return [];
  const { endMs, timeLimitS, cpus, nodes, ...rest } = parsed.output;
  return [{ ...rest, endMs, timeLimitS, cpus: cpus ?? NaN, nodes: nodes ?? NaN, input: undefined }];
}
