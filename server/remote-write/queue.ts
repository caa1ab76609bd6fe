// Requests on their way to one receiver, on disk: what is in it survives our end, is sent in order, and leaves once accepted.
// The last request that was entered says up to where the journal is in the queue, so that nothing is entered twice.
import { renameSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Journal } from '#agent/journal';
import type { Log } from '../log.ts';

const SEGMENT_BYTES = 8 << 20;
/** What is accepted is remembered so often: after an end at most so many are sent again, which receivers take for the same. */
const REMEMBER_EVERY = 16;

/** A request as it is kept: how many samples, the journal's position behind it, the compressed bytes. */
export interface Request {
  readonly samples: number;
  readonly watermark: number;
  readonly body: Uint8Array;
}

export interface QueueOptions {
  readonly folder: string;
  readonly capBytes: number;
  readonly nowMs: () => number;
  readonly log: Log;
  /** Samples that had to go because there was no more room. */
  readonly onDropped: (samples: number) => void;
}

const HEAD_BYTES = 12;

export class RequestQueue {
  readonly #journal: Journal;
  readonly #folder: string;
  /** Samples per request in the queue: to count what the cap takes. */
  readonly #samples = new Map<number, number>();
  #watermark: number;
  #accepted: number;
  #unsaved = 0;

  private constructor(
    journal: Journal,
    folder: string,
    state: { readonly watermark: number; readonly accepted: number },
  ) {
    this.#journal = journal;
    this.#folder = folder;
    this.#watermark = state.watermark;
    this.#accepted = state.accepted;
  }

  static async open({ folder, capBytes, nowMs, log, onDropped }: QueueOptions): Promise<RequestQueue> {
    const held: { queue?: RequestQueue } = {};
    const journal = await Journal.open({
      ...{
        folder,
        segmentBytes: Math.min(SEGMENT_BYTES, Math.max(1 << 16, Math.floor(capBytes / 4))),
        capBytes,
        nowMs,
      },
      onLoss: ({ reason, from, to, file }) => {
        const lost = reason === 'cap' ? (held.queue?.forget(from, to) ?? 0) : 0;
        if (lost > 0) onDropped(lost);
        log.warn('requests of remote write are lost', { reason, file, samples: lost });
      },
    });
    const remembered = readRemembered(folder);
    const { accepted } = remembered;
    const queue = (held.queue = new RequestQueue(journal, folder, remembered));
    for await (const { position, bytes } of journal.read(1)) {
      const { samples, watermark } = parse(bytes);
      queue.#watermark = Math.max(queue.#watermark, watermark);
      if (position > accepted) queue.#samples.set(position, samples);
    }
    return queue;
  }

  /** Up to where the journal is in it. */
  get watermark(): number {
    return this.#watermark;
  }
  get bytes(): number {
    return this.#samples.size === 0 ? 0 : this.#journal.bytes;
  }

  /** On disk when it resolves. */
  async enter(requests: readonly Request[]): Promise<void> {
    const entered: [number, number][] = [];
    for (const { samples, watermark, body } of requests) {
      const head = Buffer.alloc(HEAD_BYTES);
      head.writeUInt32BE(samples, 0);
      head.writeUIntBE(watermark, 4, 6);
      entered.push([this.#journal.append(Buffer.concat([head, body])).position, samples]);
    }
    try {
      await this.#journal.commit();
    } catch (error) {
      this.#journal.forgetPending();
      throw error;
    }
    for (const [position, samples] of entered) this.#samples.set(position, samples);
    this.#watermark = requests.at(-1)?.watermark ?? this.#watermark;
  }

  /** The oldest that is not accepted; it stays until it is. */
  async next(): Promise<(Request & { readonly position: number }) | undefined> {
    for await (const { position, bytes } of this.#journal.read(this.#accepted + 1)) {
      if (position <= this.#accepted) continue;
      return { position, ...parse(bytes) };
    }
    return undefined;
  }

  async accept(position: number): Promise<void> {
    this.#accepted = position;
    this.#samples.delete(position);
    if (++this.#unsaved < REMEMBER_EVERY && this.#samples.size > 0) return;
    this.#unsaved = 0;
    this.#remember();
    await this.#journal.release(position + 1);
  }

  /** Those that the cap took; gives their samples. */
  forget(from: number, to: number): number {
    let lost = 0;
    for (const [position, samples] of this.#samples) {
      if (position < from || position > to) continue;
      lost += samples;
      this.#samples.delete(position);
    }
    return lost;
  }

  async close(): Promise<void> {
    this.#remember();
    await this.#journal.close();
  }

  #remember(): void {
    const file = join(this.#folder, 'accepted');
    try {
      writeFileSync(`${file}.tmp`, `${this.#accepted} ${this.#watermark}`);
      renameSync(`${file}.tmp`, file);
    } catch {
      // A full disk: then a few are sent again.
    }
  }
}

function parse(bytes: Uint8Array): Request {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { samples: all.readUInt32BE(0), watermark: all.readUIntBE(4, 6), body: all.subarray(HEAD_BYTES) };
}

function readRemembered(folder: string): { readonly accepted: number; readonly watermark: number } {
  try {
    const [accepted = NaN, watermark = NaN] = readFileSync(join(folder, 'accepted'), 'utf8').split(' ').map(Number);
    if (Number.isSafeInteger(accepted) && Number.isSafeInteger(watermark)) return { accepted, watermark };
  } catch {
    // Nothing was ever accepted.
  }
  return { accepted: 0, watermark: 0 };
}
