// dev/kmsg: each read gives one record, the oldest first; nothing is taken away from others. Documentation/ABI/testing/dev-kmsg.
// Below another root it may as well be a file that grows or a FIFO.
import { closeSync, fstatSync, readSync } from 'node:fs';
import { isAbsent, type AbsenceReason } from '#agent/contract';
import { LineSplitter } from '../../command/line-splitter.ts';
import type { Log } from '../../log.ts';
import { parseKmsgRecord } from '../../parse/gpu/kernel-log.ts';
import { errnoOf, type Tree } from '../tree.ts';
import type { KernelLogReader, LoggedRecord } from './reader.ts';

interface KmsgOptions {
  readonly tree: Tree;
  readonly wallMs: () => number;
  readonly log: Log;
}

const PATH = 'dev/kmsg';
/** Twice the longest record: a shorter buffer would never get past it. */
const BUFFER_BYTES = 16 * 1024;
/** A flooded log must not hold up the tick; the rest waits in the kernel. */
const READS_AT_ONCE = 4096;
const BYTES_AT_ONCE = 4 * 1024 * 1024;
/** The kernel's clock of its log strays from wall time by minutes in a year: a record that has just come is not older than this. */
const STRAY_MS = 10_000;

type Got = 'record' | 'overwritten' | 'empty' | 'failed';

export class KmsgReader implements KernelLogReader {
  readonly from = 'kmsg';
  readonly #options: KmsgOptions;
  readonly #buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  #descriptor: number | undefined;
  /** Where in a regular file; undefined for what is read as it comes. */
  #position: number | undefined;
  #bytesLeft = 0;
  #lines = this.#newLines();
  #records: LoggedRecord[] = [];
  #bootMs = Number.NaN;
  /** Also after a reopening: the log then begins again at its oldest record. */
  #lastSequence = -1;
  /** Told once while it goes on. */
  #isFlooded = false;
  /** Until the end was reached for the first time, all is older than we are. */
  #isHistory = true;

  constructor(options: KmsgOptions) {
    this.#options = options;
  }

  /** The reason why not; undefined when it is open. */
  open(): AbsenceReason | undefined {
    const descriptor = this.#options.tree.open(PATH);
    if (isAbsent(descriptor)) return descriptor.reason;
    this.#descriptor = descriptor;
    const kind = fstatSync(descriptor);
    if (kind.isDirectory()) {
      this.stop();
      return 'malformed';
    }
    this.#position = kind.isFile() ? 0 : undefined;
    this.#bootMs = this.#readBootMs();
    this.#lines = this.#newLines();
    return undefined;
  }

  read(): readonly LoggedRecord[] | AbsenceReason {
    this.#records = [];
    const end = this.#drain();
    if (end === 'failed' && this.#records.length === 0) return 'unsupported';
    if (end === 'empty') this.#isHistory = false;
    return this.#records;
  }

  stop(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  #drain(): Got {
    this.#beginAgainIfCut();
    this.#bytesLeft = BYTES_AT_ONCE;
    let got: Got = 'record';
    let isFlooded = false;
    for (let reads = 0; reads < READS_AT_ONCE && this.#bytesLeft > 0; reads++) {
      got = this.#readOnce();
      if (got === 'overwritten') isFlooded = true;
      else if (got !== 'record') break;
    }
    if (isFlooded && !this.#isFlooded) this.#options.log.warn('the kernel log is overwritten before it is read');
    this.#isFlooded = isFlooded;
    return got;
  }

  #readOnce(): Got {
    if (this.#descriptor === undefined) return 'failed';
    try {
      const length = readSync(this.#descriptor, this.#buffer, 0, BUFFER_BYTES, this.#position ?? null);
      if (length === 0) return 'empty';
      this.#bytesLeft -= length;
      if (this.#position !== undefined) this.#position += length;
      // The splitter keeps what it is given, and the buffer is used again.
      if (!this.#lines.add(Buffer.from(this.#buffer.subarray(0, length)))) this.#lines = this.#newLines();
      return 'record';
    } catch (error) {
      return endOf(errnoOf(error));
    }
  }

  #newLines(): LineSplitter {
    return new LineSplitter(2 * BUFFER_BYTES, (line) => {
      this.#take(line);
    });
  }

  #take(line: string): void {
    const record = parseKmsgRecord(line);
    if (!record || record.sequence <= this.#lastSequence) return;
    this.#lastSequence = record.sequence;
    this.#records.push({
      text: record.text,
      timeMs: this.#wallTimeOf(record.sinceBootMs),
      isHistory: this.#isHistory,
    });
  }

  #wallTimeOf(sinceBootMs: number): number {
    const timeMs = this.#bootMs + sinceBootMs;
    if (this.#isHistory) return timeMs;
    const nowMs = this.#options.wallMs();
    return Math.abs(nowMs - timeMs) <= STRAY_MS ? timeMs : nowMs;
  }

  /** A file that became shorter was written anew. */
  #beginAgainIfCut(): void {
    if (this.#descriptor === undefined || this.#position === undefined) return;
    if (fstatSync(this.#descriptor).size >= this.#position) return;
    this.#position = 0;
    this.#lastSequence = -1;
    this.#lines = this.#newLines();
  }

  /** Not a number where it is not told: a wrong date would be worse than none. */
  #readBootMs(): number {
    const seconds = /^btime (\d{1,12})$/m.exec(this.#options.tree.word('proc/stat') ?? '')?.[1];
    return Number(seconds ?? Number.NaN) * 1000;
  }
}

function endOf(code: string | undefined): Got {
  switch (code) {
    case 'EPIPE':
      return 'overwritten';
    case 'EAGAIN':
      return 'empty';
    default:
      return 'failed';
  }
}
