// The store as the server's main thread has it: entries go to the worker in batches, what is durable comes back.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import type {
  KnownInstance,
  QueryRequest,
  QueryResult,
  RestoredNode,
  Store,
  StoreEntry,
  StoreFigures,
  StoreState,
} from './entries.ts';
import { takeLock, type Lock } from './lock.ts';
import type { Figures, FromWorker, Opened } from './messages.ts';
import { Outbox } from './outbox.ts';
import type { PartsSettings } from './parts.ts';
import { restoredOf } from './restored.ts';
import { readId, SavedFiles } from './saved-files.ts';
import { StateKeeper } from './store-state.ts';
import { StoreThread } from './store-thread.ts';

const FLUSH_MS = 20;
const WATCH_MS = 250;
/** A sync that takes longer hangs. */
const STUCK_MS = 2000;
const CLOSE_WITHIN_MS = 700;
const SEGMENT_BYTES = 128 << 20;
const SEGMENT_MS = 600_000;

export interface StoreSettings {
  readonly 'journal.keep': number;
  readonly 'journal.cap': number;
}

export interface StoreOptions {
  /** The data folder; made if it is not there. */
  readonly folder: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly settings: StoreSettings;
  /** Settings of what runs beside the journal (parts.ts); `settings` where none are given. */
  readonly parts?: PartsSettings;
  readonly segmentBytes?: number;
  readonly segmentMs?: number;
  readonly maxPendingBytes?: number;
}

/** Throws StoreError if another server has the folder. */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { folder } = options;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const lock = await takeLock(folder);
  try {
    const [id, saved] = await Promise.all([readId(folder), SavedFiles.open(join(folder, 'saved'))]);
    return await OpenStore.open(options, { id, saved, lock });
  } catch (error) {
    await lock.release();
    throw error;
  }
}

interface Held {
  readonly id: string;
  readonly saved: SavedFiles;
  readonly lock: Lock;
}

class OpenStore implements Store {
  readonly id: string;
  readonly known: readonly KnownInstance[];
  readonly restored: readonly RestoredNode[];
  onDurable: (ticket: number) => void = () => undefined;
  onForgotten: (from: number, to: number) => void = () => undefined;
  readonly #held: Held;
  readonly #log: Log;
  readonly #state: StateKeeper;
  readonly #thread: StoreThread;
  readonly #outbox: Outbox;
  readonly #watch: NodeJS.Timeout;
  #figures: Figures;
  #flush: NodeJS.Timeout | undefined;
  #isClosed = false;

  static async open(options: StoreOptions, held: Held): Promise<OpenStore> {
    // Messages come only after it has opened.
    const late: { store?: OpenStore } = {};
    const { folder, settings, clock, parts = { ...settings } } = options;
    const thread = new StoreThread({
      settings: {
        folder,
        segmentBytes: options.segmentBytes ?? SEGMENT_BYTES,
        segmentMs: options.segmentMs ?? SEGMENT_MS,
        keepMs: settings['journal.keep'],
        capBytes: settings['journal.cap'],
        sessionBase: undefined,
        parts,
      },
      nowMs: () => clock.nowMs(),
      onMessage: (message) => {
        if (message.kind === 'log') options.log[message.level](message.message, message.details);
        else late.store?.take(message);
      },
      onFailure: (message) => late.store?.failed(message),
      onReopened: () => late.store?.reopened(),
    });
    const opened = await thread.open();
    late.store = new OpenStore(options, { held, thread, opened });
    return late.store;
  }

  private constructor(
    { clock, log, maxPendingBytes }: StoreOptions,
    { held, thread, opened }: { readonly held: Held; readonly thread: StoreThread; readonly opened: Opened },
  ) {
    this.id = held.id;
    this.known = opened.known;
    this.restored = restoredOf(opened);
    this.#held = held;
    this.#log = log;
    this.#thread = thread;
    this.#figures = opened.figures;
    this.#outbox = new Outbox(opened.sessionBase, maxPendingBytes);
    this.#state = new StateKeeper(() => clock.nowMs(), log);
    this.#watch = setInterval(() => {
      this.#lookForStuck();
    }, WATCH_MS);
  }

  get state(): StoreState {
    return this.#state.state;
  }
  get journalSinceMs(): number | undefined {
    return this.#figures.journalSinceMs;
  }
  figures(): StoreFigures {
    return this.#figures;
  }

  append(entry: StoreEntry): number {
    this.#flush ??= setTimeout(() => {
      this.#send();
    }, FLUSH_MS);
    return this.#outbox.append(entry);
  }

  save(name: string, bytes: Uint8Array): Promise<void> {
    return this.#held.saved.save(name, bytes);
  }
  saved(name: string): Uint8Array | undefined {
    return this.#held.saved.read(name);
  }
  query(request: QueryRequest): Promise<QueryResult> {
    // What was appended so far is part of the answer.
    this.#send();
    return this.#thread.ask(request);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearInterval(this.#watch);
    this.#send();
    await Promise.all([this.#thread.close(CLOSE_WITHIN_MS), this.#held.saved.settled()]);
    await this.#held.lock.release();
  }

  take(message: FromWorker): void {
    switch (message.kind) {
      case 'durable':
        this.#state.works();
        this.#outbox.durable(message.ticket);
        this.#tellForgotten();
        if (message.ticket > 0) this.onDurable(message.ticket);
        break;
      case 'trouble':
        this.#state.fails(message.reason, message.message);
        break;
      case 'forgotten':
        this.#outbox.refuse(message.from, message.to);
        this.#tellForgotten();
        break;
      case 'figures':
        this.#figures = message.figures;
        break;
      default:
        this.#log.warn('an unexpected message of the store', { kind: message.kind });
    }
  }

  failed(message: string): void {
    this.#state.fails('failing', `the store failed and is started again: ${message}`);
    this.#outbox.lose();
    this.#tellForgotten();
  }

  reopened(): void {
    this.#state.works();
    this.#send();
  }

  #send(): void {
    clearTimeout(this.#flush);
    this.#flush = undefined;
    // Without a worker entries wait here; there is a bound to that as well.
    if (this.#thread.isOpen && !this.#outbox.isEmpty) this.#thread.post({ kind: 'entries', ...this.#outbox.take() });
    this.#tellForgotten();
  }

  #tellForgotten(): void {
    for (const [from, to] of this.#outbox.forgotten()) this.onForgotten(from, to);
  }

  #lookForStuck(): void {
    const { sentMs } = this.#outbox;
    if (sentMs === undefined || !this.#state.state.ok) return;
    if (performance.now() - sentMs > STUCK_MS) this.#state.fails('stuck', 'the disk does not answer');
  }
}
