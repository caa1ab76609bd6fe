// The store's worker without its thread: in a folder of its own, with a clock and faults that the test steers.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JournalFiles } from '#agent/journal';
import { onTestFinished } from 'vitest';
import { silentLog } from '../../../server/log.ts';
import { BatchWriter } from '../../../server/store/batch.ts';
import type { QueryRequest, QueryResult, RestoredNode, StoreEntry } from '../../../server/store/entries.ts';
import type { CoreSettings, FromWorker, Opened } from '../../../server/store/messages.ts';
import type { Parts } from '../../../server/store/parts.ts';
import { restoredOf } from '../../../server/store/restored.ts';
import { StoreCore } from '../../../server/store/store-core.ts';

export function ownFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'whyidle-store-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

export interface StandOptions {
  readonly folder: string;
  readonly nowMs?: () => number;
  readonly files?: JournalFiles;
  readonly parts?: Parts;
  readonly settings?: Partial<CoreSettings>;
}

type Of<K extends FromWorker['kind']> = Extract<FromWorker, { kind: K }>;

export class CoreStand {
  readonly messages: FromWorker[] = [];
  readonly #waiting: { readonly matches: (message: FromWorker) => boolean; readonly resolve: () => void }[] = [];
  #core: StoreCore | undefined;
  #batch = new BatchWriter(0);
  #ticket = 0;
  #asked = 0;

  static async open(options: StandOptions): Promise<CoreStand> {
    const stand = new CoreStand();
    const { folder, nowMs = () => 1_800_000_000_000, files, parts, settings = {} } = options;
    stand.#core = await StoreCore.open({
      settings: {
        folder,
        segmentBytes: 1 << 20,
        segmentMs: 600_000,
        keepMs: 6 * 3_600_000,
        capBytes: 1e9,
        sessionBase: undefined,
        parts: {},
        ...settings,
      },
      nowMs,
      log: silentLog,
      send: (message) => {
        stand.#said(message);
      },
      ...(files ? { files } : {}),
      ...(parts ? { parts } : {}),
    });
    stand.#batch = new BatchWriter(stand.opened.sessionBase);
    return stand;
  }

  get opened(): Opened {
    return this.last('opened');
  }

  restored(): readonly RestoredNode[] {
    return restoredOf(this.opened);
  }

  last<K extends FromWorker['kind']>(kind: K): Of<K> {
    const found = this.messages.findLast((message): message is Of<K> => message.kind === kind);
    if (!found) throw new Error(`nothing was said of ${kind}`);
    return found;
  }

  /** Hands entries over; gives the ticket of the last one. */
  append(...entries: readonly StoreEntry[]): number {
    for (const entry of entries) this.#batch.add(entry, ++this.#ticket);
    this.#core?.take({ kind: 'entries', ...this.#batch.take(), lastTicket: this.#ticket });
    return this.#ticket;
  }

  /** Hands entries over and waits until they are on disk. */
  async store(...entries: readonly StoreEntry[]): Promise<void> {
    const ticket = this.append(...entries);
    await this.until((message) => message.kind === 'durable' && message.ticket >= ticket);
  }

  /** Waits for a message, also one that was said before. */
  until(matches: (message: FromWorker) => boolean): Promise<void> {
    if (this.messages.some(matches)) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ matches, resolve }));
  }

  async query(request: Partial<QueryRequest>): Promise<QueryResult> {
    const id = ++this.#asked;
    const all = { metrics: ['disk_read_bytes_total'], labels: {}, fromMs: 0, toMs: 9e12, stepMs: 0, maxSeries: 1000 };
    this.#core?.take({ kind: 'query', id, request: { ...all, resolution: 'raw', ...request } });
    await this.until((message) => (message.kind === 'answer' || message.kind === 'refused') && message.id === id);
    const refused = this.messages.find((message) => message.kind === 'refused' && message.id === id);
    if (refused?.kind === 'refused')
      throw Object.assign(new Error(refused.error.message), { name: refused.error.name });
    const answer = this.messages.find((message) => message.kind === 'answer' && message.id === id);
    if (answer?.kind !== 'answer') throw new Error('no answer');
    return answer.result;
  }

  async close(): Promise<void> {
    await this.#core?.close();
  }

  #said(message: FromWorker): void {
    this.messages.push(message);
    for (const one of this.#waiting.filter(({ matches }) => matches(message))) {
      this.#waiting.splice(this.#waiting.indexOf(one), 1);
      one.resolve();
    }
  }
}
