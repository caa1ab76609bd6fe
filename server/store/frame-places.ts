// Where the frames of one session lie in one segment, as columns of small differences: about nine bytes a frame.
import type { Place } from '#agent/journal';
import { flags as bits, type FrameRecord } from './records.ts';
import { VarintReader, VarintWriter } from './varints.ts';

/** Live frames of a session and late ones are chains of their own: within each every frame builds on the one before. */
export interface ChainHead {
  readonly session: number;
  readonly backlog: boolean;
  readonly count: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly lastReceivedMs: number;
  /** Time of the first key frame: from there on this segment can be read alone. */
  readonly firstKeyMs: number | null;
}

/** In journal order. */
export interface FramePlaces {
  readonly count: number;
  readonly positions: Float64Array;
  readonly offsets: Float64Array;
  readonly lengths: Uint32Array;
  /** Whole milliseconds, rounded down. */
  readonly times: Float64Array;
  readonly seqs: Float64Array;
  /** As in the record (records.ts). */
  readonly flags: Uint8Array;
}

export class ChainIndex implements ChainHead {
  readonly session: number;
  readonly backlog: boolean;
  count = 0;
  fromMs = Infinity;
  toMs = -Infinity;
  lastReceivedMs = -Infinity;
  firstKeyMs: number | null = null;
  readonly #columns = new VarintWriter();
  #position = 0;
  #offset = 0;
  #timeMs = 0;
  #seq = -1;

  constructor(session: number, backlog: boolean) {
    this.session = session;
    this.backlog = backlog;
  }

  get columns(): Uint8Array {
    return this.#columns.bytes;
  }

  add({ timeMs, receivedMs, seq, key, repeated }: Omit<FrameRecord, 'kind' | 'bytes'>, place: Place): void {
    const flags = (key ? bits.key : 0) | (repeated ? bits.repeated : 0);
    const wholeMs = Math.floor(timeMs);
    this.#columns.unsigned(place.position - this.#position);
    this.#columns.unsigned(place.offset - this.#offset);
    this.#columns.unsigned(place.length * 8 + flags);
    this.#columns.signed(wholeMs - this.#timeMs);
    this.#columns.signed(seq - this.#seq - 1);
    this.#position = place.position;
    this.#offset = place.offset;
    this.#timeMs = wholeMs;
    this.#seq = seq;
    this.count++;
    this.fromMs = Math.min(this.fromMs, timeMs);
    this.toMs = Math.max(this.toMs, timeMs);
    this.lastReceivedMs = Math.max(this.lastReceivedMs, receivedMs);
    if (key) this.firstKeyMs ??= timeMs;
  }

  head(): ChainHead {
    const { session, backlog, count, fromMs, toMs, lastReceivedMs, firstKeyMs } = this;
    return { session, backlog, count, fromMs, toMs, lastReceivedMs, firstKeyMs };
  }
}

export function readPlaces(columns: Uint8Array, count: number): FramePlaces {
  const reader = new VarintReader(columns);
  const places = {
    count,
    positions: new Float64Array(count),
    offsets: new Float64Array(count),
    lengths: new Uint32Array(count),
    times: new Float64Array(count),
    seqs: new Float64Array(count),
    flags: new Uint8Array(count),
  };
  let [position, offset, timeMs, seq] = [0, 0, 0, -1];
  for (let at = 0; at < count; at++) {
    position += reader.unsigned();
    offset += reader.unsigned();
    const packed = reader.unsigned();
    timeMs += reader.signed();
    seq += reader.signed() + 1;
    places.positions[at] = position;
    places.offsets[at] = offset;
    places.lengths[at] = Math.floor(packed / 8);
    places.flags[at] = packed % 8;
    places.times[at] = timeMs;
    places.seqs[at] = seq;
  }
  return places;
}
