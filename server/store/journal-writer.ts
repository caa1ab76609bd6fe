// Puts entries into the journal so that each segment can be read alone: the checkpoint at its beginning, every session
// again with its first frame there. Keeps the index of what it writes, and what is known of every agent process.
import type { Journal, Place } from '#agent/journal';
import { decodeAnnounced, isAnnounced } from './batch.ts';
import type { JournalIndex } from './journal-index.ts';
import type { Known } from './known.ts';
import {
  encodeCheckpoint,
  encodeSession,
  isFrame,
  markRepeated,
  parseFrame,
  parseRecord,
  type GapRecord,
  type SessionRecord,
} from './records.ts';
import type { SchemaFiles } from './schema-files.ts';
import type { SegmentIndex } from './segment-index.ts';

/** A session without frames for so long is over; agents read at least every 10 minutes. */
const IDLE_MS = 3_600_000;

/** A record as it is in the journal. */
export interface Written {
  readonly position: number;
  readonly bytes: Uint8Array;
}

interface OpenSession {
  readonly record: SessionRecord;
  /** First record of the segment that has it. */
  segment: number;
  usedMs: number;
}

export interface WriterParts {
  readonly journal: Journal;
  readonly index: JournalIndex;
  readonly known: Known;
  readonly schemas: SchemaFiles;
  readonly nowMs: () => number;
  /** Told of every record, in order. */
  readonly onWritten: (written: Written) => void;
}

export class JournalWriter {
  readonly #parts: WriterParts;
  readonly #sessions = new Map<number, OpenSession>();
  #active: SegmentIndex | undefined;
  #checkpointing = false;
  /** Sessions whose series are not on the disk yet, in order. */
  readonly #unsynced: { readonly schema: string; readonly position: number }[] = [];

  constructor(parts: WriterParts) {
    this.#parts = parts;
  }

  /** A session of an earlier life of the worker, which goes on. */
  resume(record: SessionRecord): void {
    this.#sessions.set(record.session, { record, segment: -1, usedMs: this.#parts.nowMs() });
  }

  /** Takes a record of a batch. False if it is a frame of a session that nobody has announced: it cannot be kept. */
  append(bytes: Uint8Array): boolean {
    if (isFrame(bytes)) return this.#frame(bytes);
    if (isAnnounced(bytes)) this.#announced(bytes);
    else {
      const record = parseRecord(bytes);
      if (record?.kind === 'gap') this.#gap(bytes, record);
    }
    return true;
  }

  /** Of the records up to `position` on disk, those up to here can be read: their series are there as well. */
  readable(position: number): number {
    for (let first = this.#unsynced[0]; first; first = this.#unsynced[0]) {
      if (!this.#parts.schemas.isOnDisk(first.schema)) return Math.min(position, first.position - 1);
      this.#unsynced.shift();
    }
    return position;
  }

  /** Whether a session that is going on has these series. */
  uses(schema: string): boolean {
    return [...this.#sessions.values()].some(({ record }) => record.schema === schema);
  }

  #frame(bytes: Uint8Array): boolean {
    let frame = parseFrame(bytes);
    const session = this.#sessions.get(frame.session);
    if (!session) return false;
    const { node, instance } = session.record;
    // What is on disk is counted once, also if it was said to be forgotten because a failure hid that it was written.
    if (!frame.repeated && this.#parts.known.has(node, instance, frame.seq)) {
      markRepeated(bytes);
      frame = { ...frame, repeated: true };
    }
    if (session.segment !== this.#active?.first) this.#writeSession(session, frame.timeMs);
    const { place, index } = this.#write(bytes);
    index.addFrame(node, frame, place);
    this.#parts.known.frame(node, instance, frame);
    session.usedMs = frame.receivedMs;
    // The frame itself may have begun a segment.
    if (session.segment !== index.first) this.#writeSession(session, frame.timeMs);
    return true;
  }

  #announced(bytes: Uint8Array): void {
    const { session: number, node, instance, generation, intervalMs, hello, series } = decodeAnnounced(bytes);
    const schema = this.#parts.schemas.add(series);
    const nowMs = this.#parts.nowMs();
    const session: OpenSession = {
      record: {
        kind: 'session',
        session: number,
        node,
        instance,
        generation,
        intervalMs,
        hello,
        schema,
        firstMs: nowMs,
      },
      segment: -1,
      usedMs: nowMs,
    };
    this.#sessions.set(number, session);
    this.#parts.known.session(node, instance, intervalMs);
    const position = this.#writeSession(session, nowMs);
    if (!this.#parts.schemas.isOnDisk(schema)) this.#unsynced.push({ schema, position });
  }

  #writeSession(session: OpenSession, firstMs: number): number {
    const record = { ...session.record, firstMs };
    const { place, index } = this.#write(encodeSession(record));
    index.addSession(record, place);
    session.segment = index.first;
    return place.position;
  }

  #gap(bytes: Uint8Array, gap: GapRecord): void {
    const { place, index } = this.#write(bytes);
    index.addGap(gap, place.position);
    this.#parts.known.gap(gap);
  }

  #write(bytes: Uint8Array): { readonly place: Place; readonly index: SegmentIndex } {
    const place = this.#parts.journal.append(bytes);
    const begins = place.segment !== this.#active?.first;
    const index = begins ? this.#begin(place.segment) : this.#active;
    if (!index) throw new Error('a segment without an index');
    index.saw(place.position);
    this.#parts.onWritten({ position: place.position, bytes });
    if (begins && !this.#checkpointing) this.#writeCheckpoint();
    return { place, index };
  }

  #begin(first: number): SegmentIndex {
    this.#forgetIdle();
    this.#active = this.#parts.index.begin(first);
    return this.#active;
  }

  #writeCheckpoint(): void {
    this.#checkpointing = true;
    for (const part of this.#parts.known.checkpoint(this.#parts.nowMs())) {
      const { place, index } = this.#write(encodeCheckpoint(part));
      index.addCheckpoint(part, place.position);
    }
    this.#checkpointing = false;
  }

  #forgetIdle(): void {
    const before = this.#parts.nowMs() - IDLE_MS;
    for (const [number, { usedMs }] of this.#sessions) if (usedMs < before) this.#sessions.delete(number);
  }
}
