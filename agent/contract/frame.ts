// The wire form of one sample: a bitmap of changed series, then zig-zag varint deltas of whole steps (value x scale).
// Layout: kind u8 · seq, generation, time_ms varints · bitmap · per changed series one entry:
//   varint zigzag(delta) >= 1, or varint 0 and a byte: 0–5 absence reason, 17 = int64 and 18 = int128 follows (the whole
//   count, little-endian). After an absence the whole count comes, never a delta.
// A key frame starts from "every series is 0"; a delta frame continues the frame before it.
import { absenceReasons, type AbsenceReason } from './absence.ts';
import { FrameError, FrameReader, FrameWriter } from './frame-bytes.ts';

export { FrameError } from './frame-bytes.ts';

/** What one series holds: whole steps (exact beyond 2^53 as bigint), or why it has none. */
export type Steps = number | bigint;

/** Series in schema order, as the encoder sees them. */
export interface FrameSeries {
  readonly steps: Steps;
  /** 0 = a value is there, else 1 + index into `absenceReasons`. */
  readonly state: number;
}

export interface FrameHead {
  readonly seq: number;
  /** Schema the frame belongs to. */
  readonly generation: number;
  /** Wall clock of the sample, from the monotonic clock and one anchor. */
  readonly timeMs: number;
}

export const PRESENT = 0;
export function stateOfReason(reason: AbsenceReason): number {
  return 1 + absenceReasons.indexOf(reason);
}
export function reasonOfState(state: number): AbsenceReason | undefined {
  return absenceReasons[state - 1];
}

const KEY = 1;
const DELTA = 2;
const WHOLE = 17;
const WIDE = 18;
/** Twice of it is still a safe integer. */
const MAX_DELTA = 2 ** 52;
const MALFORMED = stateOfReason('malformed');

/** Encodes the samples of one connection. Keeps what the other side holds. */
export class FrameEncoder {
  #steps: Steps[] = [];
  #states: number[] = [];
  readonly #writer = new FrameWriter();

  /** A frame that needs nothing before it. The returned bytes are the caller's own. */
  key(head: FrameHead, series: readonly FrameSeries[]): Uint8Array {
    this.#steps = series.map(() => 0);
    this.#states = series.map(() => PRESENT);
    return this.#encode(KEY, head, series);
  }

  /** A frame that says what changed since the last one. The series must be those of the last key frame. */
  delta(head: FrameHead, series: readonly FrameSeries[]): Uint8Array {
    if (series.length !== this.#steps.length) throw new FrameError('the schema changed: a key frame is needed');
    return this.#encode(DELTA, head, series);
  }

  #encode(kind: number, head: FrameHead, series: readonly FrameSeries[]): Uint8Array {
    const writer = this.#writer;
    writer.start();
    writer.byte(kind);
    writer.varint(head.seq);
    writer.varint(head.generation);
    writer.varint(head.timeMs);
    const bitmap = writer.reserve((series.length + 7) >> 3);
    // Counted loops here and below: iterators would double the cost of a frame.
    for (let index = 0; index < series.length; index++) {
      const one = series[index];
      if (one && this.#entry(index, one)) writer.setBit(bitmap, index);
    }
    return writer.finish();
  }

  /** Writes what changed in one series; false if nothing did. */
  #entry(index: number, { steps, state }: FrameSeries): boolean {
    const sentState = this.#states[index] ?? PRESENT;
    if (state !== PRESENT) return this.#writeAbsence(index, state, sentState);
    const sent = this.#steps[index] ?? 0;
    if (sentState === PRESENT && steps === sent) return false;
    if (!canTravel(steps)) return this.#writeAbsence(index, MALFORMED, sentState);
    this.#states[index] = PRESENT;
    this.#steps[index] = steps;
    const delta = sentState === PRESENT ? deltaOf(steps, sent) : undefined;
    if (delta === undefined) this.#writeWhole(BigInt(steps));
    else this.#writer.varint(delta > 0 ? delta * 2 : -delta * 2 - 1);
    return true;
  }

  #writeAbsence(index: number, state: number, sentState: number): boolean {
    if (state === sentState) return false;
    this.#states[index] = state;
    this.#writer.varint(0);
    this.#writer.byte(state - 1);
    return true;
  }

  #writeWhole(steps: bigint): void {
    this.#writer.varint(0);
    const isWide = BigInt.asIntN(64, steps) !== steps;
    this.#writer.byte(isWide ? WIDE : WHOLE);
    this.#writer.int64(BigInt.asIntN(64, steps));
    if (isWide) this.#writer.int64(steps >> 64n);
  }
}

/** Fractions and what is beyond 128 bits are no counts of steps. */
function canTravel(steps: Steps): boolean {
  return typeof steps === 'number'
    ? Number.isInteger(steps) && Math.abs(steps) < 2 ** 127
    : BigInt.asIntN(128, steps) === steps;
}

/** The increment, if it can travel as a number other than zero. */
function deltaOf(now: Steps, before: Steps): number | undefined {
  if (typeof now !== typeof before) return undefined;
  const delta =
    typeof now === 'bigint' && typeof before === 'bigint' ? Number(now - before) : Number(now) - Number(before);
  return Math.abs(delta) < MAX_DELTA ? delta : undefined;
}

/** The values of one node, as its frames build them up. Indexes are those of the schema. */
export class FrameDecoder {
  readonly size: number;
  /** Whole steps; for a count beyond 2^53 its nearest double, the exact one is `exact(index)`. */
  readonly steps: Float64Array;
  readonly states: Uint8Array;
  /** Steps gained with the last frame; NaN where that is not known (first value, after an absence). */
  readonly gained: Float64Array;
  readonly #exact = new Map<number, bigint>();
  #ready = false;

  constructor(size: number) {
    this.size = size;
    this.steps = new Float64Array(size);
    this.states = new Uint8Array(size).fill(stateOfReason('not_present'));
    this.gained = new Float64Array(size).fill(NaN);
  }

  exact(index: number): Steps {
    return this.#exact.get(index) ?? this.steps[index] ?? 0;
  }

  /** Takes one frame in. Nothing changes if it throws: a frame is read twice, first only checked. */
  apply(frame: Uint8Array): FrameHead {
    const reader = new FrameReader(frame);
    const { kind, head } = readHead(reader);
    if (kind === DELTA && !this.#ready) throw new FrameError('a delta frame came before a key frame');
    const changed = changedIn(reader.bytes((this.size + 7) >> 3), this.size);
    const entries = reader.position;
    this.#check(reader, changed, kind);
    reader.position = entries;
    if (kind === KEY) this.#applyKey(reader, changed);
    else this.#applyDelta(reader, changed);
    this.#ready = true;
    return head;
  }

  /** Walks to the end of the frame and changes nothing. */
  #check(reader: FrameReader, changed: readonly number[], kind: FrameKind): void {
    for (const index of changed) {
      if (reader.varint() === 0) skipEscape(reader);
      else if (kind === DELTA && this.states[index] !== PRESENT)
        throw new FrameError('an increment for a series that has no value');
    }
    if (!reader.atEnd) throw new FrameError('bytes left over after the last entry');
  }

  #applyDelta(reader: FrameReader, changed: readonly number[]): void {
    for (let index = 0; index < this.size; index++) {
      this.gained[index] = this.states[index] === PRESENT ? 0 : NaN;
    }
    for (const index of changed) this.#take(reader, index);
  }

  #applyKey(reader: FrameReader, changed: readonly number[]): void {
    const steps = this.steps.slice();
    const states = this.states.slice();
    const exact = new Map(this.#exact);
    this.steps.fill(0);
    this.states.fill(PRESENT);
    this.#exact.clear();
    for (const index of changed) this.#take(reader, index);
    for (let index = 0; index < this.size; index++) {
      const known = this.#ready && states[index] === PRESENT && this.states[index] === PRESENT;
      this.gained[index] = known ? difference(this.exact(index), exact.get(index) ?? steps[index] ?? 0) : NaN;
    }
  }

  /** Takes the entry of one series in. */
  #take(reader: FrameReader, index: number): void {
    const zigzag = reader.varint();
    if (zigzag > 0) {
      this.#add(index, zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2);
      return;
    }
    const escape = reader.byte();
    if (escape < absenceReasons.length) {
      this.states[index] = 1 + escape;
      this.gained[index] = NaN;
      return;
    }
    const steps = escape === WIDE ? reader.uint64() | (reader.int64() << 64n) : reader.int64();
    this.gained[index] = this.states[index] === PRESENT ? difference(steps, this.exact(index)) : NaN;
    this.states[index] = PRESENT;
    this.#store(index, steps);
  }

  #add(index: number, delta: number): void {
    this.gained[index] = delta;
    const exact = this.#exact.get(index);
    const sum = (this.steps[index] ?? 0) + delta;
    if (exact === undefined && Number.isSafeInteger(sum)) this.steps[index] = sum;
    else this.#store(index, (exact ?? BigInt(this.steps[index] ?? 0)) + BigInt(delta));
  }

  #store(index: number, steps: bigint): void {
    this.steps[index] = Number(steps);
    if (Number.isSafeInteger(Number(steps))) this.#exact.delete(index);
    else this.#exact.set(index, steps);
  }
}

type FrameKind = typeof KEY | typeof DELTA;

/** The head of a frame and whether it is a key frame, without decoding it. Throws FrameError. */
export function peekFrame(frame: Uint8Array): FrameHead & { readonly key: boolean } {
  const { kind, head } = readHead(new FrameReader(frame));
  return { ...head, key: kind === KEY };
}

function readHead(reader: FrameReader): { readonly kind: FrameKind; readonly head: FrameHead } {
  const kind = reader.byte();
  if (kind !== KEY && kind !== DELTA) throw new FrameError(`unknown frame kind ${kind}`);
  return { kind, head: { seq: reader.varint(), generation: reader.varint(), timeMs: reader.varint() } };
}

/** Indexes of the series that a bitmap names. */
function changedIn(bitmap: Uint8Array, size: number): readonly number[] {
  const changed: number[] = [];
  for (let at = 0; at < bitmap.length; at++) {
    for (let bits = bitmap[at] ?? 0, index = at * 8; bits !== 0; bits >>= 1, index++) {
      if ((bits & 1) !== 0) changed.push(index);
    }
  }
  if ((changed.at(-1) ?? -1) >= size) throw new FrameError('the bitmap names a series that the schema does not have');
  return changed;
}

function skipEscape(reader: FrameReader): void {
  const escape = reader.byte();
  if (escape < absenceReasons.length) return;
  if (escape !== WHOLE && escape !== WIDE) throw new FrameError(`unknown escape ${escape}`);
  reader.skip(escape === WHOLE ? 8 : 16);
}

function difference(now: Steps, before: Steps): number {
  return typeof now === 'number' && typeof before === 'number' ? now - before : Number(BigInt(now) - BigInt(before));
}
