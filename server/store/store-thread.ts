// The worker as the main thread sees it: started, started again with growing pauses after a failure, asked questions.
import { Worker } from 'node:worker_threads';
import { QueryError } from '../query/request.ts';
import type { QueryRequest, QueryResult } from './entries.ts';
import type { CoreSettings, FromWorker, Opened, ToWorker, WorkerSettings } from './messages.ts';

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;
/** A worker that lived so long is not in a loop. */
const SETTLED_MS = 60_000;

export interface ThreadParts {
  readonly settings: CoreSettings;
  readonly nowMs: () => number;
  readonly onMessage: (message: FromWorker) => void;
  /** The worker is gone; it is started again in a while. */
  readonly onFailure: (message: string) => void;
  readonly onReopened: () => void;
}

interface Question {
  readonly resolve: (result: QueryResult) => void;
  readonly reject: (error: Error) => void;
}

export class StoreThread {
  readonly #parts: ThreadParts;
  readonly #questions = new Map<number, Question>();
  #asked = 0;
  #worker: Worker | undefined;
  #isOpen = false;
  #isClosing = false;
  #pauseMs = FIRST_PAUSE_MS;
  #retry: NodeJS.Timeout | undefined;
  #sessionBase: number | undefined;
  #onClosed: () => void = () => undefined;

  constructor(parts: ThreadParts) {
    this.#parts = parts;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** The first start: what goes wrong here is thrown. */
  async open(): Promise<Opened> {
    const opened = await this.#start();
    this.#sessionBase = opened.sessionBase;
    return opened;
  }

  post(message: ToWorker): void {
    this.#worker?.postMessage(message, message.kind === 'entries' ? [message.buffer] : []);
  }

  ask(request: QueryRequest): Promise<QueryResult> {
    if (!this.#isOpen) return Promise.reject(new Error('the store is being started again'));
    const id = ++this.#asked;
    return new Promise((resolve, reject) => {
      this.#questions.set(id, { resolve, reject });
      this.post({ kind: 'query', id, request });
    });
  }

  /** Tells the worker to end, and ends it if it does not. */
  async close(withinMs: number): Promise<void> {
    this.#isClosing = true;
    clearTimeout(this.#retry);
    const worker = this.#worker;
    if (!worker) return;
    if (this.#isOpen) {
      const closed = new Promise<void>((resolve) => {
        this.#onClosed = resolve;
      });
      this.post({ kind: 'close' });
      await Promise.race([closed, pause(withinMs)]);
    }
    // A thread that hangs in a system call cannot be ended; the process ends anyway.
    worker.unref();
    await Promise.race([worker.terminate(), pause(withinMs / 2)]);
    this.#rejectQuestions('the store is closed');
  }

  /** Resolves when the worker has opened the journal; if it fails later it is started again. */
  #start(): Promise<Opened> {
    const { settings, nowMs } = this.#parts;
    const workerData: WorkerSettings = { ...settings, sessionBase: this.#sessionBase, nowMs: nowMs() };
    const worker = new Worker(workerFile(), { workerData, name: 'store' });
    this.#worker = worker;
    const startedMs = performance.now();
    return new Promise((resolve, reject) => {
      const fails = (error: Error): void => {
        if (this.#worker !== worker) return;
        this.#worker = undefined;
        void worker.terminate();
        this.#rejectQuestions(error.message);
        if (this.#isOpen) this.#failed(error.message, performance.now() - startedMs);
        else reject(error);
      };
      worker.on('message', (message: FromWorker) => {
        if (this.#worker !== worker) return;
        if (message.kind === 'unopened') fails(new Error(message.message));
        else if (message.kind === 'opened') {
          this.#isOpen = true;
          resolve(message);
        } else this.#take(message);
      });
      worker.on('error', fails);
      worker.on('exit', () => {
        fails(new Error('the store thread ended'));
      });
    });
  }

  #take(message: FromWorker): void {
    switch (message.kind) {
      case 'answer':
        this.#questions.get(message.id)?.resolve(message.result);
        this.#questions.delete(message.id);
        break;
      case 'refused': {
        const { name, message: text, hint } = message.error;
        this.#questions.get(message.id)?.reject(name === 'QueryError' ? new QueryError(text, hint) : new Error(text));
        this.#questions.delete(message.id);
        break;
      }
      case 'closed':
        this.#onClosed();
        break;
      default:
        this.#parts.onMessage(message);
    }
  }

  #failed(message: string, livedMs: number): void {
    this.#isOpen = false;
    if (livedMs > SETTLED_MS) this.#pauseMs = FIRST_PAUSE_MS;
    this.#onClosed();
    if (this.#isClosing) return;
    this.#parts.onFailure(message);
    this.#startAgain();
  }

  #startAgain(): void {
    this.#retry = setTimeout(() => {
      this.#start().then(
        () => {
          this.#parts.onReopened();
        },
        (error: unknown) => {
          this.#parts.onFailure(error instanceof Error ? error.message : String(error));
          if (!this.#isClosing) this.#startAgain();
        },
      );
    }, this.#pauseMs);
    this.#pauseMs = Math.min(LONGEST_PAUSE_MS, this.#pauseMs * 2);
  }

  #rejectQuestions(message: string): void {
    for (const { reject } of this.#questions.values()) reject(new Error(message));
    this.#questions.clear();
  }
}

/** Beside the bundle's entry, or the source where we run from source. */
function workerFile(): URL {
  const here = import.meta.url;
  if (here.endsWith('.ts')) return new URL('worker.ts', here);
  return new URL(here.includes('/chunks/') ? '../store-worker.js' : 'store-worker.js', here);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
