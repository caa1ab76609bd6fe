// The history: follows the journal, adds up minutes, keeps them in a database and in Parquet files, answers queries of the past.
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { FrameDecoder } from '#agent/contract';
import type { Log } from '../log.ts';
import type { DecodedSession, HistoryConsumer } from '../store/consumer.ts';
import type { GapEntry, QueryRequest, QueryResult } from '../store/entries.ts';
import { MINUTE_MS, type MinuteAccumulator } from './accumulator.ts';
import { Database } from './database.ts';
import { Dictionary } from './dictionary.ts';
import { DAY, HistoryFiles } from './files.ts';
import { Generations, type Finished } from './generations.ts';
import { queryRollUps } from './query.ts';
import type { Row } from './rows.ts';

const MEMORY_BYTES = 256_000_000;

export interface HistorySettings {
  /** How long minutes are kept, and hours. */
  readonly keepMs: number;
  readonly keepHoursMs: number;
  readonly capBytes: number;
}

export interface HistoryContext {
  /** `history` of the data folder. */
  readonly folder: string;
  readonly settings: HistorySettings;
  readonly nowMs: () => number;
  readonly log: Log;
}

export class History implements HistoryConsumer {
  readonly #context: HistoryContext;
  readonly #database: Database;
  readonly #dictionary: Dictionary;
  readonly #files: HistoryFiles;
  readonly #generations: Generations;
  #watermark: number;
  #sinceMs: number | undefined;
  #databaseBytes = 0;
  #tidyMinute = 0;
  #working: Promise<void> | undefined;
  #closed = false;
  /** One statement sequence after the other on the one connection. */
  #turn: Promise<unknown> = Promise.resolve();

  static async open(context: HistoryContext): Promise<History> {
    const { folder, log } = context;
    const database = await Database.open(folder, { memoryBytes: MEMORY_BYTES }, log);
    const files = new HistoryFiles(join(folder, 'files'), database, log);
    await files.load();
    const [mark] = await database.all<{ value: bigint }>(`SELECT value FROM meta WHERE name = 'watermark'`);
    return new History(
      context,
      { database, files, dictionary: await Dictionary.open(database) },
      Number(mark?.value ?? 0),
    );
  }

  private constructor(
    context: HistoryContext,
    parts: { readonly database: Database; readonly files: HistoryFiles; readonly dictionary: Dictionary },
    watermark: number,
  ) {
    this.#context = context;
    this.#database = parts.database;
    this.#dictionary = parts.dictionary;
    this.#files = parts.files;
    this.#generations = new Generations(context.nowMs);
    this.#watermark = watermark;
  }

  get watermark(): number {
    return this.#watermark;
  }
  get bytes(): number {
    return this.#files.bytes + this.#databaseBytes;
  }

  session(): void {
    // Its series are looked up with its first rows.
  }

  sessionEnd(session: DecodedSession): void {
    this.#generations.forget(session);
  }

  sample(session: DecodedSession, decoder: FrameDecoder, timeMs: number, spanSeconds: number, position: number): void {
    this.#generations.sample(session, decoder, { timeMs, spanSeconds, position });
  }

  gap(gap: GapEntry): void {
    this.#generations.gap(gap);
  }

  async advance(position: number, nowMs: number): Promise<void> {
    this.#generations.settle(position);
    for (const finished of this.#generations.finished) await this.#exclusive(() => this.#write(finished));
    const minute = Math.floor(nowMs / MINUTE_MS);
    if (minute === this.#tidyMinute || this.#working || this.#closed) return;
    this.#tidyMinute = minute;
    // Beside the journal's work: it may take seconds, and nothing waits for it but the next one.
    this.#working = this.#tidy(minute)
      .catch((error: unknown) => {
        if (this.#closed) return;
        this.#context.log.warn('the history cannot be tidied; it is tried again', { reason: String(error) });
      })
      .finally(() => {
        this.#working = undefined;
      });
  }

  query(request: QueryRequest): Promise<QueryResult> {
    return this.#exclusive(async () => {
      this.#sinceMs ??= await this.#findSince();
      return queryRollUps(
        {
          database: this.#database,
          files: this.#files,
          unwritten: () => this.#generations.unwritten(),
          unwrittenGaps: () => this.#generations.unwrittenGaps(),
          sinceMs: this.#sinceMs,
        },
        request,
      );
    });
  }

  /** Resolves when no file is being made or dropped. */
  async settled(): Promise<void> {
    await this.#working;
  }

  /** What is not written is read from the journal again the next time. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#working;
    await this.#turn;
    this.#database.close();
  }

  /** A statement on a closed database would end the process. */
  #exclusive<T>(work: () => Promise<T>): Promise<T> {
    const guarded = (): Promise<T> => (this.#closed ? Promise.reject(new Error('the history is closed')) : work());
    const done = this.#turn.then(guarded, guarded);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  async #write(finished: Finished): Promise<void> {
    const { generation, watermark } = finished;
    try {
      await this.#database.transaction(async () => {
        const ids = new Map<DecodedSession, Uint32Array>();
        for (const { session, series } of generation.accumulators()) {
          if (ids.has(session)) continue;
          const found = await this.#dictionary.idsOf(session, series);
          if (found.added.length > 0) await this.#database.appendSeries(found.added);
          ids.set(session, found.ids);
        }
        await this.#database.append(rowsOf(generation.accumulators(), ids));
        for (const gap of generation.gaps) await this.#enterGap(gap);
        await this.#database.run(`INSERT OR REPLACE INTO meta VALUES ('watermark', $1)`, [BigInt(watermark)]);
      });
    } catch (error) {
      this.#dictionary.forget();
      throw error;
    }
    this.#watermark = watermark;
    this.#generations.written(finished);
  }

  async #enterGap({ node, instance, fromSeq, toSeq, fromMs, toMs, reason }: GapEntry): Promise<void> {
    await this.#database.run('INSERT INTO gaps VALUES ($1, $2, $3, $4, $5, $6, $7)', [
      ...[node, instance, BigInt(fromSeq), BigInt(toSeq), BigInt(Math.round(fromMs)), BigInt(Math.round(toMs)), reason],
    ]);
  }

  async #tidy(minute: number): Promise<void> {
    const { settings, folder } = this.#context;
    while (await this.#exclusive(() => this.#files.work(minute)));
    const daysFrom = (ms: number): number => minute - Math.floor(ms / MINUTE_MS);
    await this.#exclusive(() =>
      this.#files.retain({
        minutesFrom: daysFrom(settings.keepMs),
        hoursFrom: daysFrom(settings.keepHoursMs),
        capBytes: settings.capBytes,
      }),
    );
    await this.#exclusive(() =>
      this.#database.run('DELETE FROM gaps WHERE to_ms < $1', [
        BigInt(daysFrom(settings.keepHoursMs)) * BigInt(MINUTE_MS),
      ]),
    );
    if (minute % DAY === 0) await this.#exclusive(() => this.#database.run('CHECKPOINT'));
    this.#databaseBytes = sizeOf(join(folder, 'history.duckdb')) + sizeOf(join(folder, 'history.duckdb.wal'));
    this.#sinceMs = undefined;
  }

  async #findSince(): Promise<number | undefined> {
    const [rows] = await this.#database.all<{ minute: number | null }>('SELECT min(minute) AS minute FROM rows');
    const minutes = [rows?.minute ?? Infinity, ...this.#files.list.map(({ from_minute }) => from_minute)];
    for (const { minute } of this.#generations.unwritten()) minutes.push(minute);
    const first = minutes.reduce((least, minute) => Math.min(least, minute), Infinity);
    return Number.isFinite(first) ? first * MINUTE_MS : undefined;
  }
}

function* rowsOf(
  accumulators: Iterable<MinuteAccumulator>,
  idsOf: ReadonlyMap<DecodedSession, Uint32Array>,
): Generator<Row> {
  for (const { session, minute, count, weight, sum, min, max } of accumulators) {
    const ids = idsOf.get(session);
    for (let at = 0; at < count.length; at++) {
      const readings = count[at] ?? 0;
      const weighs = weight[at] ?? 0;
      if (readings === 0 || weighs === 0) continue;
      const row = { series: ids?.[at] ?? 0, minute, count: readings, weight: weighs, mean: (sum[at] ?? 0) / weighs };
      yield { ...row, min: min[at] ?? 0, max: max[at] ?? 0 };
    }
  }
}

function sizeOf(file: string): number {
  try {
    return statSync(file).size;
  } catch {
    return 0; // not there: it holds nothing
  }
}
