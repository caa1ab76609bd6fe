// Everything the store's worker does: takes batches into the journal, commits, answers queries, drops what is old. Knows
// nothing of threads; what it has to say goes through `send`.
import type { JournalFiles, JournalLoss, SegmentInfo } from '#agent/journal';
import type { Log } from '../log.ts';
import { eachRecord } from './batch.ts';
import { CommitLoop } from './commit-loop.ts';
import { Feed } from './feed.ts';
import { JournalWriter } from './journal-writer.ts';
import type { CoreSettings, Figures, FromWorker, Opened, ToWorker } from './messages.ts';
import { openJournal, type OpenedJournal } from './open-journal.ts';
import { consumersOf, openParts, type Parts } from './parts.ts';
import { encodeGap, parseRecord } from './records.ts';
import { restore } from './restore.ts';
import { dropOld, dropUnused, type RetentionParts } from './retention.ts';
import { Scanner } from './scan.ts';
import { SchemaCache } from './schema-cache.ts';
import { SegmentReader } from './segment-reader.ts';
import { StoreQueries } from './store-queries.ts';

const CLOSE_WITHIN_MS = 500;
const FIGURES_MS = 1000;
const RETENTION_EVERY = 10;
/** A key frame comes at least every minute. */
const KEY_WITHIN_MS = 150_000;

export interface CoreContext {
  readonly settings: CoreSettings;
  readonly nowMs: () => number;
  readonly log: Log;
  readonly send: (message: FromWorker) => void;
  /** Tests put faults here. */
  readonly files?: JournalFiles;
  /** Tests put their own readers of the journal here. */
  readonly parts?: Parts;
}

export class StoreCore {
  readonly #context: CoreContext;
  readonly #opened: OpenedJournal;
  readonly #parts: Parts;
  readonly #segments: SegmentReader;
  readonly #writer: JournalWriter;
  readonly #feed: Feed;
  readonly #commits: CommitLoop;
  readonly #queries: StoreQueries;
  readonly #retention: RetentionParts;
  readonly #sessionBase: number;
  /** Per batch: its last record and its last ticket, while they are not durable. */
  readonly #batches: { readonly position: number; readonly ticket: number }[] = [];
  #timer: NodeJS.Timeout | undefined;
  #seconds = 0;
  #tidying: Promise<unknown> = Promise.resolve();

  static async open(context: CoreContext): Promise<StoreCore> {
    const { settings, nowMs, log, files } = context;
    const parts = context.parts ?? (await openParts({ folder: settings.folder, settings: settings.parts, nowMs, log }));
    // Told while the journal is being opened, before there is anybody to act on it.
    const late: { core?: StoreCore } = {};
    const opened = await openJournal(
      { ...settings, nowMs, ...(files ? { files } : {}) },
      {
        onLoss: (loss) => {
          warnOfLoss(log, loss);
          late.core?.lost(loss);
        },
        onSealed: (segment) => late.core?.sealed(segment),
      },
    );
    const core = new StoreCore(context, opened, parts);
    late.core = core;
    await core.#begin();
    return core;
  }

  private constructor(context: CoreContext, opened: OpenedJournal, parts: Parts) {
    const { settings, nowMs, log } = context;
    const { journal, index, known, schemas } = opened;
    this.#context = context;
    this.#opened = opened;
    this.#parts = parts;
    this.#sessionBase = settings.sessionBase ?? index.lastSession;
    const cache = new SchemaCache(schemas);
    this.#segments = new SegmentReader(index, () => new Scanner(journal, []));
    this.#queries = new StoreQueries({ journal, index, schemas: cache, segments: this.#segments }, parts.history);
    this.#feed = new Feed({
      journal,
      schemas: cache,
      consumers: consumersOf(parts),
      beginBefore: (watermark) => this.#beginBefore(watermark),
      nowMs,
      warn: (message, error) => {
        log.warn(message, { error: textOf(error) });
      },
    });
    this.#writer = new JournalWriter({
      ...{ journal, index, known, schemas, nowMs },
      onWritten: (written) => {
        this.#feed.written(written);
      },
    });
    this.#commits = new CommitLoop({
      commit: () => this.#commit(),
      onDurable: (position) => {
        this.#durable(position);
      },
      onTrouble: (reason, message) => {
        context.send({ kind: 'trouble', reason, message });
      },
    });
    this.#retention = {
      ...{ journal, index, schemas, keepMs: settings.keepMs },
      needed: () => this.#feed.needed,
      isInUse: (schema) => this.#writer.uses(schema),
    };
  }

  take(message: ToWorker): void {
    switch (message.kind) {
      case 'entries':
        this.#entries(message);
        break;
      case 'query':
        void this.#queries.answer(message.id, message.request).then(this.#context.send);
        break;
      case 'close':
        void this.close().then(() => {
          this.#context.send({ kind: 'closed' });
        });
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    const late = new Promise<void>((resolve) => setTimeout(resolve, CLOSE_WITHIN_MS).unref());
    await Promise.race([this.#commits.close(), late]);
    await this.#feed.close(CLOSE_WITHIN_MS / 2);
    await Promise.race([this.#opened.journal.close().then(() => this.#tidying), late]);
  }

  /** The journal has dropped a segment, or found damage. */
  lost({ reason }: JournalLoss): void {
    if (reason === 'cap') this.#tidy('drop indexes', () => dropUnused(this.#retention));
  }

  sealed(segment: SegmentInfo): void {
    this.#tidy('write an index', () => this.#opened.index.seal(segment));
  }

  async #begin(): Promise<void> {
    const { journal, index, schemas, scanner, known } = this.#opened;
    if (this.#context.settings.sessionBase !== undefined) await this.#resumeSessions();
    for (const gap of scanner.lost) this.#writer.append(encodeGap(gap));
    for (const name of schemas.names) if (!index.names(name) && !this.#writer.uses(name)) await schemas.remove(name);
    const restored = await restore({ journal, index, schemas, segments: this.#segments });
    const opened: Opened = { sessionBase: this.#sessionBase, known: known.list(), restored, figures: this.#figures() };
    this.#context.send({ kind: 'opened', ...opened });
    this.#feed.start(journal.durable, this.#context.settings.sessionBase !== undefined);
    this.#commits.wake();
    this.#timer = setInterval(() => {
      this.#tick();
    }, FIGURES_MS);
  }

  /** After a failure of the worker the sessions of this server process go on. */
  async #resumeSessions(): Promise<void> {
    const seen = new Set<number>();
    for (const view of this.#opened.index.views.toReversed()) {
      for (const name of await this.#segments.nodes(view)) {
        const node = await this.#segments.node(view, name);
        for (const { session, place } of node?.sessions ?? []) {
          if (session <= this.#sessionBase || seen.has(session)) continue;
          seen.add(session);
          const [bytes] = await this.#opened.journal.readAt([place]);
          const record = bytes && parseRecord(bytes);
          if (record?.kind === 'session') this.#writer.resume(record);
        }
      }
    }
  }

  #entries(batch: Extract<ToWorker, { kind: 'entries' }>): void {
    eachRecord(batch, (record, ticket) => {
      if (!this.#writer.append(record)) this.#context.send({ kind: 'forgotten', from: ticket, to: ticket });
    });
    this.#batches.push({ position: this.#opened.journal.next - 1, ticket: batch.lastTicket });
    this.#commits.wake();
  }

  async #commit(): Promise<number> {
    const { journal, schemas } = this.#opened;
    while (schemas.hasUnwritten) await schemas.sync();
    return journal.commit();
  }

  #durable(committed: number): void {
    const position = this.#writer.readable(committed);
    // A session came while the commit was under way: its series are written with the next one.
    if (position < committed) this.#commits.wake();
    let ticket = 0;
    for (let first = this.#batches[0]; first && first.position <= position; first = this.#batches[0]) {
      ({ ticket } = first);
      this.#batches.shift();
    }
    this.#context.send({ kind: 'durable', ticket });
    this.#feed.durable(position);
  }

  #tick(): void {
    this.#context.send({ kind: 'figures', figures: this.#figures() });
    if (this.#seconds++ % RETENTION_EVERY === 0)
      this.#tidy('drop old segments', () => dropOld(this.#retention, this.#context.nowMs()));
  }

  #figures(): Figures {
    const { history, remoteWrite } = this.#parts;
    return {
      journalBytes: this.#opened.journal.bytes,
      historyBytes: history?.bytes ?? 0,
      gapSeconds: this.#opened.known.gapSeconds,
      remoteWrite: remoteWrite?.figures ?? { pendingBytes: 0, sent: 0, dropped: 0, rejected: 0 },
      journalSinceMs: this.#queries.sinceMs,
    };
  }

  /** So far back that every session has a key frame before the watermark. */
  #beginBefore(watermark: number): number {
    const segments = this.#opened.journal.segments();
    const holding = segments.find(({ last }) => last > watermark) ?? segments.at(-1);
    if (!holding) return watermark + 1;
    const enough = segments.findLast(({ createdMs }) => createdMs <= holding.createdMs - KEY_WITHIN_MS);
    return (enough ?? segments[0] ?? holding).first;
  }

  /** Work that can fail without harm, one after the other. */
  #tidy(what: string, work: () => Promise<unknown>): void {
    this.#tidying = this.#tidying.then(work).catch((error: unknown) => {
      this.#context.log.warn(`the store cannot ${what}`, { error: textOf(error) });
    });
  }
}

function warnOfLoss(log: Log, { reason, from, to, file, fromByte, toByte }: JournalLoss): void {
  if (reason === 'cap') log.warn('the journal is at its cap: the oldest segment is dropped', { file });
  else log.warn('the journal is damaged: the records there are set aside', { file, fromByte, toByte, from, to });
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
