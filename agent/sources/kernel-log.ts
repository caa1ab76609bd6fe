// The kernel's log, for what the GPU driver tells there: dev/kmsg below the tree's root, or on the host the journal where kmsg is closed.
// Nothing here waits: `read` takes what has come since the last time.
import { userInfo } from 'node:os';
import { absent, type AbsenceReason } from '#agent/contract';
import type { CommandRunner } from '../command.ts';
import type { Log } from '../log.ts';
import { KernelEventReader, type KernelEvent } from '../parse/gpu/kernel-log.ts';
import { journalIsReadable, JournalReader } from './kernel-log/journal.ts';
import { KmsgReader } from './kernel-log/kmsg.ts';
import type { KernelLogReader } from './kernel-log/reader.ts';
import type { Tree } from './tree.ts';

export interface KernelLogOptions {
  readonly tree: Tree;
  /** Undefined where no program may be started. */
  readonly commands: Pick<CommandRunner, 'stream'> | undefined;
  readonly monotonicMs: () => number;
  readonly wallMs?: () => number;
  readonly log: Log;
}

export type KernelLogState =
  | { readonly kind: 'reading'; readonly from: 'kmsg' | 'journal' }
  /** The hint is what people can do about it; empty where there is nothing. */
  | { readonly kind: 'absent'; readonly reason: AbsenceReason; readonly hint: string };

/** An event with whether it had been in the log before we began to read. */
export type LoggedEvent = KernelEvent & { readonly isHistory: boolean };

const RETRY_MS = 60_000;

export class KernelLog {
  readonly #options: Required<KernelLogOptions>;
  readonly #events = new KernelEventReader();
  readonly #kmsg: KmsgReader;
  readonly #journal: JournalReader | undefined;
  #reader: KernelLogReader | undefined;
  #state: KernelLogState = { kind: 'absent', reason: 'not_present', hint: '' };
  #retryAtMs = Number.NEGATIVE_INFINITY;
  #stopped = false;

  constructor(options: KernelLogOptions) {
    const { tree, commands } = options;
    this.#options = { wallMs: Date.now, ...options };
    this.#kmsg = new KmsgReader(this.#options);
    // Below another root the journal would be that of the wrong machine.
    this.#journal = tree.isHost && commands ? new JournalReader({ ...this.#options, commands }) : undefined;
  }

  get state(): KernelLogState {
    return this.#state;
  }

  read(): readonly LoggedEvent[] {
    if (this.#stopped) return [];
    if (!this.#reader) this.#begin();
    const records = this.#reader?.read() ?? [];
    if (typeof records === 'string') {
      this.#fail(records, '');
      return [];
    }
    return records.flatMap((record) => {
      const event = this.#events.read(record);
      return event ? [{ ...event, isHistory: record.isHistory }] : [];
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#reader?.stop();
    this.#reader = undefined;
  }

  #begin(): void {
    if (this.#options.monotonicMs() < this.#retryAtMs) return;
    const reason = this.#kmsg.open();
    if (reason === undefined) this.#reads(this.#kmsg);
    else if (this.#journal && journalIsReadable(this.#options.tree)) this.#reads(this.#journal);
    else this.#fail(reason, reason === 'forbidden' && this.#options.tree.isHost ? this.#hint() : '');
  }

  #reads(reader: KernelLogReader): void {
    const { state } = this;
    this.#reader = reader;
    if (state.kind === 'absent' && state.reason !== 'not_present') {
      this.#options.log.info('the kernel log can be read again', { from: reader.from });
    }
    this.#state = { kind: 'reading', from: reader.from };
  }

  #fail(reason: AbsenceReason, hint: string): void {
    this.#reader?.stop();
    this.#reader = undefined;
    this.#retryAtMs = this.#options.monotonicMs() + RETRY_MS;
    const { state } = this;
    if (state.kind === 'absent' && state.reason === reason && state.hint === hint) return;
    this.#state = { ...absent(reason), hint };
    this.#options.log.warn('the kernel log cannot be read: Xids of it are missed', {
      reason,
      ...(hint === '' ? {} : { hint }),
    });
  }

  #hint(): string {
    const hasJournal = this.#options.tree.exists('run/systemd/journal');
    return hasJournal
      ? `sudo usermod --append --groups systemd-journal ${userName()}`
      : 'sudo sysctl kernel.dmesg_restrict=0';
  }
}

/** A user without an entry in the password file has no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? '');
  }
}
