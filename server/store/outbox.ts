// Entries between `append` and the disk, as the main thread sees them: batches on their way, tickets that are not durable,
// and which chains of frames are whole. A frame that says only what changed is taken only after the one it builds on.
import { BatchWriter } from './batch.ts';
import type { SessionEntry, StoreEntry } from './entries.ts';
import { chainKey } from './segment-index.ts';

/** What is not on disk may take so much memory. */
const MAX_BYTES = 64 << 20;
/** Chains of sessions that are long gone are forgotten beyond so many. */
const MAX_CHAINS = 200_000;

export type TicketRange = readonly [from: number, to: number];

export class Outbox {
  readonly #writer: BatchWriter;
  readonly #maxBytes: number;
  #ticket = 0;
  #durable = 0;
  /** Batches on their way, oldest first. */
  #sent: { readonly lastTicket: number; readonly bytes: number; readonly sentMs: number }[] = [];
  #sentBytes = 0;
  #forgotten: [number, number][] = [];
  /** Chains of which nothing is missing since a key frame; the one that had its key frame last is last. */
  readonly #whole = new Set<number>();
  readonly #refused = new Set<number>();
  /** Sessions whose announcement is not durable yet. */
  #announced: { readonly session: number; readonly ticket: number }[] = [];

  constructor(sessionBase: number, maxBytes = MAX_BYTES) {
    this.#writer = new BatchWriter(sessionBase);
    this.#maxBytes = maxBytes;
  }

  get isEmpty(): boolean {
    return this.#writer.entries === 0;
  }
  /** When the oldest batch that is on its way was sent (performance.now()); undefined if none is. */
  get sentMs(): number | undefined {
    return this.#sent[0]?.sentMs;
  }

  append(entry: StoreEntry): number {
    const ticket = ++this.#ticket;
    if (this.#takes(entry, ticket)) this.#writer.add(entry, ticket);
    else this.#forget(ticket, ticket);
    return ticket;
  }

  /** Everything appended so far, as one message. */
  take(): { readonly buffer: ArrayBuffer; readonly bytes: number; readonly lastTicket: number } {
    const { buffer, bytes } = this.#writer.take();
    this.#sent.push({ lastTicket: this.#ticket, bytes, sentMs: performance.now() });
    this.#sentBytes += bytes;
    return { buffer, bytes, lastTicket: this.#ticket };
  }

  durable(ticket: number): void {
    this.#durable = Math.max(this.#durable, ticket);
    for (let first = this.#sent[0]; first && first.lastTicket <= ticket; first = this.#sent[0]) {
      this.#sentBytes -= first.bytes;
      this.#sent.shift();
    }
    if (this.#announced.length > 0) this.#announced = this.#announced.filter((one) => one.ticket > ticket);
  }

  /** The worker does not know these frames' session. */
  refuse(from: number, to: number): void {
    this.#forget(from, to);
  }

  /** Whatever was on its way is lost. */
  lose(): void {
    this.#writer.take();
    this.#sent = [];
    this.#sentBytes = 0;
    this.#whole.clear();
    for (const { session } of this.#announced) this.#refused.add(session);
    this.#announced = [];
    if (this.#ticket > this.#durable) this.#forget(this.#durable + 1, this.#ticket);
    this.#durable = this.#ticket;
  }

  /** What has been forgotten since this was asked last. */
  forgotten(): readonly TicketRange[] {
    const ranges = this.#forgotten;
    this.#forgotten = [];
    return ranges;
  }

  #takes(entry: StoreEntry, ticket: number): boolean {
    const hasRoom = this.#sentBytes + this.#writer.bytes < this.#maxBytes;
    switch (entry.kind) {
      case 'session':
        return this.#takesSession(entry, ticket, hasRoom);
      case 'gap':
        return hasRoom;
      case 'frame': {
        const chain = chainKey(entry.session, entry.backlog);
        if (hasRoom && !entry.key) return this.#whole.has(chain);
        // In both cases it leaves its place; with a key frame it gets a new one.
        this.#whole.delete(chain);
        if (!hasRoom || this.#refused.has(entry.session)) return false;
        this.#whole.add(chain);
        if (this.#whole.size > MAX_CHAINS) this.#dropOldest();
        return true;
      }
    }
  }

  #takesSession({ session }: SessionEntry, ticket: number, hasRoom: boolean): boolean {
    if (hasRoom) {
      this.#refused.delete(session);
      this.#announced.push({ session, ticket });
    } else this.#refused.add(session);
    return hasRoom;
  }

  #dropOldest(): void {
    const [oldest] = this.#whole;
    if (oldest !== undefined) this.#whole.delete(oldest);
  }

  #forget(from: number, to: number): void {
    const last = this.#forgotten.at(-1);
    if (last && from <= last[1] + 1 && from >= last[0]) last[1] = Math.max(last[1], to);
    else this.#forgotten.push([from, to]);
  }
}
