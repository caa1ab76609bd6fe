// Makes what is appended durable, in groups: the next commit begins as soon as the last one has ended and there is
// something. While the disk does not take it, it is tried again every second; nothing is dropped here.
import { JournalError } from '#agent/journal';
import type { StoreState } from './entries.ts';

const RETRY_MS = 1000;

export type Trouble = Extract<StoreState, { readonly ok: false }>['reason'];

export interface CommitParts {
  /** Writes and syncs; gives the newest durable position. */
  readonly commit: () => Promise<number>;
  readonly onDurable: (position: number) => void;
  readonly onTrouble: (reason: Trouble, message: string) => void;
}

export class CommitLoop {
  readonly #parts: CommitParts;
  #wanted = false;
  #isRunning = false;
  #ended: Promise<void> | undefined;
  #closed = false;
  #retry: { readonly timer: NodeJS.Timeout; readonly now: () => void } | undefined;

  constructor(parts: CommitParts) {
    this.#parts = parts;
  }

  /** Something was appended. */
  wake(): void {
    this.#wanted = true;
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#ended = this.#run();
  }

  /** One last try for what is left. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#retry?.now();
    await this.#ended;
  }

  async #run(): Promise<void> {
    while (this.#wanted) {
      this.#wanted = false;
      try {
        this.#parts.onDurable(await this.#parts.commit());
      } catch (error) {
        this.#parts.onTrouble(reasonOf(error), error instanceof Error ? error.message : String(error));
        if (this.#closed) break;
        this.#wanted = true;
        await this.#pause();
      }
    }
    this.#isRunning = false;
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, RETRY_MS);
      const now = (): void => {
        clearTimeout(timer);
        resolve();
      };
      this.#retry = { timer, now };
    });
  }
}

function reasonOf(error: unknown): Trouble {
  const full = ['ENOSPC', 'EDQUOT', 'EFBIG'];
  const isFull =
    error instanceof JournalError
      ? error.code === 'full'
      : error instanceof Error && 'code' in error && full.includes(String(error.code));
  return isFull ? 'disk_full' : 'failing';
}
