// Reads a segment that has no index: what is in it, and which readings are missing where records were damaged.
import type { Journal, JournalLoss, Place } from '#agent/journal';
import type { GapEntry } from './entries.ts';
import { parseRecord, RecordError, type FrameRecord, type SessionRecord } from './records.ts';
import { chainKey, SegmentIndex } from './segment-index.ts';

export interface Segment {
  readonly first: number;
  readonly last: number;
}

/** Where a chain stands: what was read of it last. */
interface ChainEnd {
  readonly position: number;
  readonly seq: number;
  readonly timeMs: number;
}

/** Reads segments in order; what one says of a session holds for the next. */
export class Scanner {
  /** Record numbers that are missing because of damage. */
  readonly losses: readonly JournalLoss[];
  /** Readings that were in damaged records, as far as the frames after them tell. */
  readonly lost: GapEntry[] = [];
  /** Records that cannot be understood. */
  unreadable = 0;
  readonly #journal: Journal;
  readonly #sessions = new Map<number, SessionRecord>();
  readonly #ends = new Map<number, ChainEnd>();

  constructor(journal: Journal, losses: readonly JournalLoss[]) {
    this.#journal = journal;
    this.losses = losses.filter(({ reason }) => reason === 'damaged');
  }

  async read({ first, last }: Segment): Promise<SegmentIndex> {
    const index = new SegmentIndex(first);
    // A segment may begin with a frame whose session is written right after it.
    const early: { frame: FrameRecord; place: Place }[] = [];
    if (last < first) return index;
    for await (const { position, place, bytes } of this.#journal.read(first)) {
      if (position > last) break;
      index.saw(position);
      this.#take(index, bytes, place, early);
      if (position === last) break;
    }
    return index;
  }

  #take(index: SegmentIndex, bytes: Uint8Array, place: Place, early: { frame: FrameRecord; place: Place }[]): void {
    const record = this.#parse(bytes);
    switch (record?.kind) {
      case undefined:
        return;
      case 'session':
        this.#sessions.set(record.session, record);
        index.addSession(record, place);
        for (const one of early.filter(({ frame }) => frame.session === record.session)) {
          this.#frame(index, record, one.frame, one.place);
          early.splice(early.indexOf(one), 1);
        }
        return;
      case 'frame': {
        const session = this.#sessions.get(record.session);
        if (session) this.#frame(index, session, record, place);
        else early.push({ frame: record, place });
        return;
      }
      case 'gap':
        index.addGap(record, place.position);
        return;
      case 'checkpoint':
        index.addCheckpoint(record, place.position);
    }
  }

  #frame(index: SegmentIndex, { node, instance }: SessionRecord, frame: FrameRecord, place: Place): void {
    index.addFrame(node, frame, place);
    const key = chainKey(frame.session, frame.backlog);
    const before = this.#ends.get(key);
    const { seq, timeMs } = frame;
    if (before && seq > before.seq + 1 && this.#isLost(before.position, place.position)) {
      const range = { fromSeq: before.seq + 1, toSeq: seq - 1, fromMs: before.timeMs, toMs: timeMs };
      this.lost.push({ kind: 'gap', node, instance, ...range, reason: 'damaged' });
    }
    this.#ends.set(key, { position: place.position, seq, timeMs });
  }

  #isLost(after: number, before: number): boolean {
    return this.losses.some(({ from, to }) => to > after && from < before);
  }

  #parse(bytes: Uint8Array): ReturnType<typeof parseRecord> {
    try {
      return parseRecord(bytes);
    } catch (error) {
      if (!(error instanceof RecordError)) throw error;
      this.unreadable++;
      return undefined;
    }
  }
}
