// Entries on their way to the worker: encoded on the main thread into one buffer that is handed over, not copied. Frames
// and gaps are the journal's own records already; sessions go as they are, the worker puts their series apart.
//   batch  per entry: length of the record 4 · ticket 8 · record
import type { FrameEntry, SessionEntry, StoreEntry } from './entries.ts';
import { encodeGap, FRAME_HEAD_BYTES, writeFrame } from './records.ts';

/** A session with its series; never in the journal. */
const ANNOUNCED = 0x81;
const HEAD_BYTES = 12;
const FIRST_BYTES = 64 << 10;

export class BatchWriter {
  readonly #sessionBase: number;
  #buffer = new ArrayBuffer(FIRST_BYTES);
  #view = new DataView(this.#buffer);
  #used = 0;
  #entries = 0;

  /** The journal numbers sessions over all lives of the server: ingest's number and this. */
  constructor(sessionBase: number) {
    this.#sessionBase = sessionBase;
  }

  get bytes(): number {
    return this.#used;
  }
  get entries(): number {
    return this.#entries;
  }

  add(entry: StoreEntry, ticket: number): void {
    this.#entries++;
    switch (entry.kind) {
      case 'frame':
        this.#frame(entry, ticket);
        break;
      case 'gap':
        this.#record(encodeGap(entry), ticket);
        break;
      case 'session':
        this.#record(encodeAnnounced({ ...entry, session: this.#sessionBase + entry.session }), ticket);
        break;
    }
  }

  /** Everything added so far; the writer is empty again. */
  take(): { readonly buffer: ArrayBuffer; readonly bytes: number; readonly entries: number } {
    const taken = { buffer: this.#buffer, bytes: this.#used, entries: this.#entries };
    // About as much will come the next time.
    this.#buffer = new ArrayBuffer(Math.max(FIRST_BYTES, Math.min(this.#used * 1.25, 8 << 20)));
    this.#view = new DataView(this.#buffer);
    this.#used = 0;
    this.#entries = 0;
    return taken;
  }

  #frame(entry: FrameEntry, ticket: number): void {
    this.#head(FRAME_HEAD_BYTES + entry.bytes.length, ticket);
    this.#used = writeFrame(this.#view, this.#used, entry, this.#sessionBase + entry.session);
  }

  #record(record: Uint8Array, ticket: number): void {
    this.#head(record.length, ticket);
    new Uint8Array(this.#buffer).set(record, this.#used);
    this.#used += record.length;
  }

  /** Makes room for a record and writes what stands before it. */
  #head(length: number, ticket: number): void {
    this.#room(HEAD_BYTES + length);
    this.#view.setUint32(this.#used, length, true);
    this.#view.setFloat64(this.#used + 4, ticket, true);
    this.#used += HEAD_BYTES;
  }

  #room(length: number): void {
    if (this.#used + length <= this.#buffer.byteLength) return;
    const grown = new ArrayBuffer(Math.max(this.#buffer.byteLength * 2, this.#used + length));
    new Uint8Array(grown).set(new Uint8Array(this.#buffer, 0, this.#used));
    this.#buffer = grown;
    this.#view = new DataView(grown);
  }
}

/** Walks through the records of a batch, in order; they are views of it. */
export function eachRecord(
  { buffer, bytes }: { readonly buffer: ArrayBuffer; readonly bytes: number },
  visit: (record: Uint8Array, ticket: number) => void,
): void {
  const view = new DataView(buffer);
  for (let at = 0; at < bytes;) {
    const length = view.getUint32(at, true);
    visit(new Uint8Array(buffer, at + HEAD_BYTES, length), view.getFloat64(at + 4, true));
    at += HEAD_BYTES + length;
  }
}

export function isAnnounced(record: Uint8Array): boolean {
  return record[0] === ANNOUNCED;
}

export function decodeAnnounced(record: Uint8Array): SessionEntry {
  const json = Buffer.from(record.buffer, record.byteOffset + 1, record.length - 1).toString();
  return JSON.parse(json) as SessionEntry; // encoded by encodeAnnounced on the other thread
}

function encodeAnnounced(entry: SessionEntry): Uint8Array {
  return Buffer.concat([Buffer.of(ANNOUNCED), Buffer.from(JSON.stringify(entry))]);
}
