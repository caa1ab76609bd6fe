// An append-only log of records in a folder: buffered, written in groups, synced in groups, read while it grows.
// Format: format.ts. What is found at opening: survey.ts. A record keeps its place whatever fails: what could not be
// written or synced is written again to the same bytes.
import { join } from 'node:path';
import { JournalError, journalError } from './error.ts';
import { realFiles, type JournalFile, type JournalFiles } from './files.ts';
import {
  encodeHeader,
  encodeSeal,
  MAX_RECORD_BYTES,
  RECORD_HEADER_BYTES,
  SEAL_BYTES,
  SEGMENT_HEADER_BYTES,
  segmentName,
  writeRecord,
} from './format.ts';
import { Grouped } from './grouped.ts';
import { PlaceReader, readSegment, type Stretch } from './reader.ts';
import { survey } from './survey.ts';
import type { JournalRecord, JournalSettings, Place, SegmentInfo } from './types.ts';

interface Entry {
  readonly place: Place;
  /** Header and payload. */
  readonly bytes: Buffer;
}

/** A segment that is planned or open for writing. */
interface Growing {
  readonly first: number;
  /** Number of the last record before it. */
  readonly previous: number;
  readonly createdMs: number;
  /** Where the next appended record goes. */
  end: number;
}

interface Active {
  readonly growing: Growing;
  readonly path: string;
  readonly file: JournalFile;
  /** What is in the file. */
  end: number;
  last: number;
}

export class Journal {
  readonly #settings: JournalSettings;
  readonly #files: JournalFiles;
  readonly #places: PlaceReader;
  readonly #sealed: SegmentInfo[];
  readonly #commits = new Grouped(() => this.#exclusive(() => this.#sync()));
  readonly #writes = new Grouped(() => this.#exclusive(() => this.#writePending()));
  #plan: Growing | undefined;
  #active: Active | undefined;
  /** Not in the file yet, in order. */
  #pending: Entry[] = [];
  /** In the file and not synced. */
  #unsynced: Entry[] = [];
  #pendingBytes = 0;
  #next: number;
  #durable: number;
  #busy: Promise<unknown> = Promise.resolve();
  #closed = false;

  private constructor(
    settings: JournalSettings,
    found: { readonly segments: readonly SegmentInfo[]; readonly next: number },
  ) {
    this.#settings = settings;
    this.#files = settings.files ?? realFiles;
    this.#places = new PlaceReader(this.#files);
    this.#sealed = [...found.segments];
    this.#next = found.next;
    this.#durable = found.segments.at(-1)?.last ?? 0;
  }

  /** Throws JournalError if the folder can neither be made nor read; whatever is in it, it opens. */
  static async open(settings: JournalSettings): Promise<Journal> {
    const files = settings.files ?? realFiles;
    return new Journal(settings, await survey(settings.folder, files, settings.onLoss));
  }

  /** Number of the newest record that is on the disk. */
  get durable(): number {
    return this.#durable;
  }
  /** Number that the next record gets. */
  get next(): number {
    return this.#next;
  }
  /** Number of the oldest record that is kept; `next` if there is none. */
  get first(): number {
    return this.segments()[0]?.first ?? this.#pending[0]?.place.position ?? this.#next;
  }
  /** On the disk. */
  get bytes(): number {
    return this.#sealed.reduce((sum, { bytes }) => sum + bytes, this.#active?.end ?? 0);
  }
  /** In memory, because they are not written or not synced. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  segments(): readonly SegmentInfo[] {
    const active = this.#active;
    if (!active) return [...this.#sealed];
    const { growing, path, last, end } = active;
    return [
      ...this.#sealed,
      { first: growing.first, last, file: path, bytes: end, sealed: false, createdMs: growing.createdMs },
    ];
  }

  /** Copies the record. It is on the disk once `commit` gives its position or a later one. */
  append(record: Uint8Array): Place {
    if (record.length > MAX_RECORD_BYTES) throw new RangeError(`a record of ${record.length} bytes is too large`);
    if (this.#closed) throw new JournalError('failing', 'the journal is closed');
    const position = this.#next++;
    const size = RECORD_HEADER_BYTES + record.length;
    const growing = this.#roomFor(size, position);
    const bytes = Buffer.allocUnsafe(size);
    writeRecord(bytes, 0, position, record);
    const place = { position, segment: growing.first, offset: growing.end, length: record.length };
    growing.end += size;
    this.#pending.push({ place, bytes });
    this.#pendingBytes += size;
    return place;
  }

  /** To the page cache: survives the end of this process, not that of the machine. */
  write(): Promise<void> {
    return this.#writes.run();
  }

  /** Writes and syncs all that was appended before the call. Gives the newest position on the disk. */
  commit(): Promise<number> {
    return this.#commits.run();
  }

  /** Drops what is appended and not written yet; gives the positions, if there are any. */
  forgetPending(): { readonly from: number; readonly to: number } | undefined {
    const from = this.#pending[0]?.place.position;
    const to = this.#pending.at(-1)?.place.position;
    if (from === undefined || to === undefined) return undefined;
    this.#pendingBytes -= this.#pending.reduce((sum, { bytes }) => sum + bytes.length, 0);
    this.#pending = [];
    // Room that was planned for them is free again; numbers are not.
    const active = this.#active;
    this.#plan = active?.growing;
    if (active) active.growing.end = Math.max(active.end, unsyncedEnd(this.#unsynced, active.growing.first));
    return { from, to };
  }

  /** Written records from a position on, in order; ends with what is written when it gets there. */
  async *read(from: number): AsyncGenerator<JournalRecord> {
    let last = from - 1;
    for (let stretch = this.#stretchAfter(last); stretch; stretch = this.#stretchAfter(last, stretch)) {
      const onDamage = (file: string, fromByte: number, toByte: number): void => {
        this.#settings.onLoss({ reason: 'damaged', from: last + 1, to: last + 1, file, fromByte, toByte });
      };
      for await (const record of readSegment(this.#files, stretch, onDamage)) {
        if (record.position <= last) continue;
        last = record.position;
        yield record;
      }
    }
  }

  /** The records at these places. Throws JournalError `lost` if one is not there. */
  async readAt(places: readonly Place[]): Promise<readonly Uint8Array[]> {
    const waiting = new Map([...this.#pending, ...this.#unsynced].map((entry) => [entry.place.position, entry]));
    const paths = new Map(this.segments().map(({ first, file }) => [first, file]));
    return Promise.all(
      places.map(async (place) => {
        const entry = waiting.get(place.position);
        if (entry) return entry.bytes.subarray(RECORD_HEADER_BYTES);
        const file = paths.get(place.segment);
        if (file === undefined) throw new JournalError('lost', `Record ${place.position} is no longer kept`);
        return this.#places.read(file, place);
      }),
    );
  }

  /** Deletes whole segments whose records all lie below the position. The newest stays: it says which number comes next. */
  release(below: number): Promise<void> {
    return this.#exclusive(async () => {
      for (let oldest = this.#sealed[0]; oldest && oldest.last < below; oldest = this.#sealed[0]) {
        if (this.#sealed.length === 1 && !this.#active) return;
        await this.#remove(oldest);
      }
    });
  }

  /** Syncs what can be synced, seals, and waits for whatever runs. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#exclusive(async () => {
      try {
        await this.#sync();
        if (this.#active) await this.#seal(this.#active);
      } catch {
        // Whoever needed to know was told by their own commit.
      }
      await this.#active?.file.close().catch(() => undefined);
      this.#active = undefined;
      await this.#places.close();
    });
  }

  #roomFor(size: number, position: number): Growing {
    const { segmentBytes, segmentMs = Infinity, nowMs } = this.#settings;
    const plan = this.#plan;
    const isEmpty = plan?.end === SEGMENT_HEADER_BYTES;
    const fits = plan && (isEmpty || plan.end + size + SEAL_BYTES <= segmentBytes);
    const young = plan && (isEmpty || nowMs() - plan.createdMs < segmentMs);
    if (plan && fits && young) return plan;
    this.#plan = { first: position, previous: this.#lastAppended(), createdMs: nowMs(), end: SEGMENT_HEADER_BYTES };
    return this.#plan;
  }

  #lastAppended(): number {
    return this.#pending.at(-1)?.place.position ?? this.#active?.last ?? this.#sealed.at(-1)?.last ?? 0;
  }

  /** One after the other: nothing writes while something syncs. */
  #exclusive<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#busy.then(work, work);
    this.#busy = done.catch(() => undefined);
    return done;
  }

  async #sync(): Promise<number> {
    await this.#writePending();
    const active = this.#active;
    if (!active || this.#unsynced.length === 0) return this.#durable;
    const synced = this.#unsynced;
    try {
      await active.file.sync();
    } catch (error) {
      // The kernel may have dropped the pages and called them clean: they are written again.
      this.#pending = [...synced, ...this.#pending];
      this.#unsynced = [];
      active.end = synced[0]?.place.offset ?? active.end;
      throw journalError(`sync ${active.path}`, error);
    }
    this.#unsynced = [];
    this.#forgetBytes(synced);
    this.#durable = synced.at(-1)?.place.position ?? this.#durable;
    return this.#durable;
  }

  async #writePending(): Promise<void> {
    while (this.#pending.length > 0) {
      const segment = this.#pending[0]?.place.segment ?? 0;
      const other = this.#pending.findIndex(({ place }) => place.segment !== segment);
      const count = other < 0 ? this.#pending.length : other;
      const entries = this.#pending.slice(0, count);
      const active = await this.#segmentOf(entries);
      await writeAll(active, entries);
      this.#pending.splice(0, count);
      this.#unsynced.push(...entries);
    }
  }

  /** The file that these records go to; the one before it is sealed first. */
  async #segmentOf(entries: readonly Entry[]): Promise<Active> {
    const first = entries[0]?.place.segment ?? 0;
    if (this.#active?.growing.first === first) return this.#active;
    if (this.#active) await this.#seal(this.#active);
    const growing = this.#plan?.first === first ? this.#plan : this.#growingOf(entries);
    await this.#makeRoom();
    this.#active = await this.#create(growing);
    return this.#active;
  }

  /** A segment that was planned and has a successor already. */
  #growingOf(entries: readonly Entry[]): Growing {
    const first = entries[0]?.place.segment ?? 0;
    const last = entries.at(-1);
    const end = last ? last.place.offset + last.bytes.length : SEGMENT_HEADER_BYTES;
    return { first, previous: this.#sealed.at(-1)?.last ?? 0, createdMs: this.#settings.nowMs(), end };
  }

  async #create(growing: Growing): Promise<Active> {
    const path = join(this.#settings.folder, segmentName(growing.first));
    let file: JournalFile | undefined;
    try {
      file = await this.#files.open(path, 'keep');
      await writeFully(file, encodeHeader(growing), 0);
      await this.#files.syncFolder(this.#settings.folder);
      return { growing, path, file, end: SEGMENT_HEADER_BYTES, last: growing.first - 1 };
    } catch (error) {
      await file?.close().catch(() => undefined);
      throw journalError(`begin ${path}`, error);
    }
  }

  async #seal(active: Active): Promise<void> {
    const { file, path, growing } = active;
    try {
      await file.sync();
      await writeFully(file, encodeSeal(active.last), active.end);
      await file.sync();
    } catch (error) {
      const mine = this.#unsynced.filter(({ place }) => place.segment === growing.first);
      this.#pending = [...mine, ...this.#pending];
      this.#unsynced = [];
      active.end = mine[0]?.place.offset ?? active.end;
      throw journalError(`seal ${path}`, error);
    }
    const synced = this.#unsynced;
    this.#unsynced = [];
    this.#forgetBytes(synced);
    this.#durable = Math.max(this.#durable, active.last);
    await file.close();
    const { first, createdMs } = growing;
    const sealed = { first, last: active.last, file: path, bytes: active.end + SEAL_BYTES, sealed: true, createdMs };
    this.#active = undefined;
    this.#sealed.push(sealed);
    this.#settings.onSealed?.(sealed);
  }

  /** Oldest segments go before a new one would exceed the cap. */
  async #makeRoom(): Promise<void> {
    const { capBytes = Infinity, segmentBytes, onLoss } = this.#settings;
    for (let oldest = this.#sealed[0]; oldest && this.bytes + segmentBytes > capBytes; oldest = this.#sealed[0]) {
      await this.#remove(oldest);
      const { first, last, file, bytes } = oldest;
      onLoss({ reason: 'cap', from: first, to: last, file, fromByte: 0, toByte: bytes });
    }
  }

  async #remove(segment: SegmentInfo): Promise<void> {
    await this.#places.forget(segment.file);
    try {
      await this.#files.remove(segment.file);
    } catch (error) {
      const gone = error instanceof Error && 'code' in error && error.code === 'ENOENT';
      if (!gone) throw journalError(`remove ${segment.file}`, error);
    }
    this.#sealed.splice(this.#sealed.indexOf(segment), 1);
  }

  #forgetBytes(entries: readonly Entry[]): void {
    for (const { bytes } of entries) this.#pendingBytes -= bytes.length;
  }

  /** The first segment with records behind the position that has not been read to its end. */
  #stretchAfter(position: number, read?: Stretch): Stretch | undefined {
    const found = this.segments().find(({ first, last }) => last > position && first > (read?.first ?? -1));
    if (!found) return undefined;
    return { first: found.first, file: found.file, end: found.sealed ? found.bytes - SEAL_BYTES : found.bytes };
  }
}

function unsyncedEnd(unsynced: readonly Entry[], segment: number): number {
  const last = unsynced.findLast(({ place }) => place.segment === segment);
  return last ? last.place.offset + last.bytes.length : 0;
}

async function writeAll(active: Active, entries: readonly Entry[]): Promise<void> {
  // In one piece per call of the system: many small buffers would be many small copies in the kernel.
  const all = entries.length === 1 ? entries[0]?.bytes : Buffer.concat(entries.map(({ bytes }) => bytes));
  const [from, last] = [entries[0], entries.at(-1)];
  if (!all || !from || !last) return;
  try {
    await writeFully(active.file, all, from.place.offset);
  } catch (error) {
    throw journalError(`write ${active.path}`, error);
  }
  active.end = from.place.offset + all.length;
  active.last = last.place.position;
}

async function writeFully(file: JournalFile, bytes: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const written = await file.write([bytes.subarray(done)], position + done);
    if (written === 0) throw Object.assign(new Error('nothing could be written'), { code: 'ENOSPC' });
    done += written;
  }
}
