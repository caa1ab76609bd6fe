// The kernel's messages through `journalctl -k -f`, where /dev/kmsg may not be read but the journal may. journalctl(1).
import { closeSync } from 'node:fs';
import { isAbsent, type AbsenceReason } from '#agent/contract';
import type { CommandRunner, CommandStream, StreamEnd } from '../../command.ts';
import { parseJournalRecord } from '../../parse/gpu/kernel-log.ts';
import type { KernelLogReader, LoggedRecord } from './reader.ts';
import type { Tree } from '../tree.ts';

interface JournalOptions {
  readonly commands: Pick<CommandRunner, 'stream'>;
  readonly wallMs: () => number;
}

const LINE_BYTES = 1024 * 1024;
/** What waits for the next tick; a flood beyond it is dropped, oldest first. */
const MOST_RECORDS = 10_000;

/** Without the right to it, journalctl says nothing and ends well: the files themselves tell. */
export function journalIsReadable(tree: Tree): boolean {
  return ['run/log/journal', 'var/log/journal'].some((directory) =>
    tree.names(directory).some((machine) => canOpen(tree, `${directory}/${machine}/system.journal`)),
  );
}

export class JournalReader implements KernelLogReader {
  readonly from = 'journal';
  readonly #options: JournalOptions;
  readonly #startMs: number;
  #stream: CommandStream | undefined;
  #end: StreamEnd | undefined;
  /** After a restart it goes on behind the last line. */
  #cursor: string | undefined;
  #records: LoggedRecord[] = [];

  constructor(options: JournalOptions) {
    this.#options = options;
    this.#startMs = options.wallMs();
  }

  read(): readonly LoggedRecord[] | AbsenceReason {
    if (!this.#stream && !this.#end) this.#start();
    const records = this.#records;
    this.#records = [];
    if (!this.#end || records.length > 0) return records;
    const { reason } = this.#end;
    this.stop();
    return reason === 'stuck' ? 'timed_out' : 'forbidden';
  }

  stop(): void {
    const stream = this.#stream;
    this.#stream = undefined;
    this.#end = undefined;
    stream?.stop();
  }

  #start(): void {
    const from = this.#cursor === undefined ? ['-n', '1000'] : [`--after-cursor=${this.#cursor}`];
    let ended = false;
    const stream = this.#options.commands.stream({
      kind: 'journalctl',
      file: 'journalctl',
      args: ['-k', '-f', '-q', '--no-pager', '-o', 'json', ...from],
      maxLineBytes: LINE_BYTES,
      onLine: (line) => {
        if (!ended) this.#take(line);
      },
      onEnd: (end) => {
        ended = true;
        if (this.#stream === stream) this.#end = end;
      },
    });
    this.#stream = stream;
  }

  #take(line: string): void {
    const record = parseJournalRecord(line);
    if (!record) return;
    this.#cursor = record.cursor ?? this.#cursor;
    const { text, timeMs } = record;
    this.#records.push({ text, timeMs, isHistory: timeMs < this.#startMs });
    if (this.#records.length > MOST_RECORDS) this.#records.shift();
  }
}

function canOpen(tree: Tree, path: string): boolean {
  const descriptor = tree.open(path);
  if (isAbsent(descriptor)) return false;
  closeSync(descriptor);
  return true;
}
