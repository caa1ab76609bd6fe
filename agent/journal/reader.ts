// Reads segments: in order, in large pieces, and single records by their place.
import { JournalError, journalError } from './error.ts';
import type { JournalFile, JournalFiles } from './files.ts';
import { parseRecord, RECORD_HEADER_BYTES, SEGMENT_HEADER_BYTES } from './format.ts';
import { walk } from './scan.ts';
import type { JournalRecord, Place } from './types.ts';

const CHUNK_BYTES = 1 << 20;
const KEPT_FILES = 16;

export interface Stretch {
  readonly first: number;
  readonly file: string;
  /** The bytes that hold records. */
  readonly end: number;
}

export type Damage = (file: string, fromByte: number, toByte: number) => void;

/** The records of one segment, in order. */
export async function* readSegment(
  files: JournalFiles,
  { first, file, end }: Stretch,
  onDamage: Damage = () => undefined,
): AsyncGenerator<JournalRecord> {
  const opened = await files.open(file, 'read');
  try {
    let at = SEGMENT_HEADER_BYTES;
    let size = CHUNK_BYTES;
    while (at < end) {
      const bytes = Buffer.allocUnsafe(Math.min(size, end - at));
      const length = await opened.read(bytes, at);
      if (length === 0) return;
      const chunk = bytes.subarray(0, length);
      const steps = walk(chunk, 0, at + length < end);
      let step = steps.next();
      for (; !step.done; step = steps.next()) {
        if (step.value.kind === 'damage') onDamage(file, at + step.value.fromByte, at + step.value.toByte);
        else yield recordAt(chunk, step.value.record, { first, at });
      }
      // A record that is larger than the piece is read with a larger one.
      size = step.value === 0 ? size * 2 : CHUNK_BYTES;
      at += step.value;
    }
  } finally {
    await opened.close();
  }
}

function recordAt(
  chunk: Buffer,
  { number, start, end }: { readonly number: number; readonly start: number; readonly end: number },
  { first, at }: { readonly first: number; readonly at: number },
): JournalRecord {
  const bytes = chunk.subarray(start + RECORD_HEADER_BYTES, end);
  return {
    position: number,
    place: { position: number, segment: first, offset: at + start, length: bytes.length },
    bytes,
  };
}

/** Single records; the files stay open. */
export class PlaceReader {
  readonly #files: JournalFiles;
  readonly #open = new Map<string, Promise<JournalFile>>();

  constructor(files: JournalFiles) {
    this.#files = files;
  }

  /** Throws JournalError `lost` if the record is not there as it was written. */
  async read(file: string, place: Place): Promise<Uint8Array> {
    const bytes = Buffer.allocUnsafe(RECORD_HEADER_BYTES + place.length);
    let length: number;
    try {
      length = await (await this.#fileOf(file)).read(bytes, place.offset);
    } catch (error) {
      await this.forget(file);
      throw new JournalError('lost', journalError(`read ${file}`, error).message, { cause: error });
    }
    const found = length === bytes.length ? parseRecord(bytes, 0) : undefined;
    if (found === undefined || found === 'short' || !found.whole || found.number !== place.position)
      throw new JournalError('lost', `Record ${place.position} is not in ${file} at byte ${place.offset}`);
    return bytes.subarray(RECORD_HEADER_BYTES);
  }

  async forget(file: string): Promise<void> {
    const opened = this.#open.get(file);
    this.#open.delete(file);
    await opened?.then(
      (one) => one.close(),
      () => undefined,
    );
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open.keys()].map((file) => this.forget(file)));
  }

  #fileOf(file: string): Promise<JournalFile> {
    const known = this.#open.get(file);
    if (known) {
      // The one that was used last goes last.
      this.#open.delete(file);
      this.#open.set(file, known);
      return known;
    }
    const opened = this.#files.open(file, 'read');
    this.#open.set(file, opened);
    const [oldest] = this.#open.keys();
    if (oldest !== undefined && this.#open.size > KEPT_FILES) void this.forget(oldest);
    return opened;
  }
}
