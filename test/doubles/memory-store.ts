// A store without a disk, whose durability and trouble the test steers.
import type {
  KnownInstance,
  QueryRequest,
  QueryResult,
  RestoredNode,
  Store,
  StoreEntry,
  StoreFigures,
  StoreState,
} from '../../server/store/entries.ts';

export class MemoryStore implements Store {
  readonly id = 'abcdefabcdefabcdefabcdef';
  state: StoreState = { ok: true };
  readonly known: readonly KnownInstance[];
  readonly restored: readonly RestoredNode[];
  readonly entries: StoreEntry[] = [];
  readonly files = new Map<string, Uint8Array>();
  /** Everything is durable as soon as it is handed over. */
  prompt: boolean;
  journalSinceMs: number | undefined;
  onDurable: (ticket: number) => void = () => undefined;
  onForgotten: (from: number, to: number) => void = () => undefined;

  constructor({
    prompt = true,
    known = [],
    restored = [],
  }: { prompt?: boolean; known?: readonly KnownInstance[]; restored?: readonly RestoredNode[] } = {}) {
    this.prompt = prompt;
    this.known = known;
    this.restored = restored;
  }

  append(entry: StoreEntry): number {
    const ticket = this.entries.push(entry);
    if (this.prompt)
      queueMicrotask(() => {
        this.onDurable(ticket);
      });
    return ticket;
  }

  /** Everything up to now reaches the disk. */
  settle(): void {
    this.onDurable(this.entries.length);
  }

  save(name: string, bytes: Uint8Array): Promise<void> {
    this.files.set(name, bytes);
    return Promise.resolve();
  }

  saved(name: string): Uint8Array | undefined {
    return this.files.get(name);
  }

  query(_request: QueryRequest): Promise<QueryResult> {
    return Promise.resolve({ series: [], gaps: [], sinceMs: undefined, engine: 'journal' });
  }

  figures(): StoreFigures {
    const remoteWrite = { pendingBytes: 0, sent: 0, dropped: 0, rejected: 0 };
    return { journalBytes: 0, historyBytes: 0, gapSeconds: new Map(), remoteWrite };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
