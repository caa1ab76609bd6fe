// The wire form of one sample: a bitmap of changed series, then zig-zag varint deltas of whole steps (value x scale).
// Layout: kind u8 · seq, generation, time_ms varints · bitmap · per changed series one entry:
//   varint zigzag(delta) >= 1, or varint 0 and a byte: 0–5 absence reason, 17 = int64 follows (the whole count).
// A key frame starts from "every series is 0"; a delta frame continues the frame before it.
import { absenceReasons, type AbsenceReason } from './absence.ts';

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

export class FrameError extends Error {
  override readonly name = 'FrameError';
}

const KEY = 1;
const DELTA = 2;
const WHOLE = 17;
const MAX_DELTA = 2 ** 52;

/** Encodes the samples of one connection. Keeps what the other side holds. */
export class FrameEncoder {
  #steps: Steps[] = [];
  #states: number[] = [];
  #writer = new Writer();

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
    for (const [index, one] of series.entries()) {
      if (this.#entry(index, one)) writer.setBit(bitmap, index);
    }
    return writer.finish();
  }

  /** Writes what changed in one series; false if nothing did. */
  #entry(index: number, { steps, state }: FrameSeries): boolean {
    const sentState = this.#states[index] ?? PRESENT;
    const sent = this.#steps[index] ?? 0;
    if (state !== PRESENT) {
      if (state === sentState) return false;
      this.#states[index] = state;
      this.#writer.varint(0);
      this.#writer.byte(state - 1);
      return true;
    }
    if (sentState === PRESENT && steps === sent) return false;
    this.#states[index] = PRESENT;
    this.#steps[index] = steps;
    const delta = sentState === PRESENT ? deltaOf(steps, sent) : undefined;
    if (delta === undefined) this.#writer.whole(BigInt(steps));
    else this.#writer.varint(delta > 0 ? delta * 2 : -delta * 2 - 1);
    return true;
  }
}

/** The increment, if it can travel as a number. */
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
    const reader = new Reader(frame);
    const kind = reader.byte();
    const head = readHead(reader);
    if (kind === DELTA && !this.#ready) throw new FrameError('a delta frame came before a key frame');
    if (kind !== KEY && kind !== DELTA) throw new FrameError(`unknown frame kind ${String(kind)}`);
    const bitmap = reader.bytes((this.size + 7) >> 3);
    const entries = reader.position;
    this.#walk(reader, bitmap, checkOnly);
    if (!reader.atEnd) throw new FrameError('bytes left over after the last entry');
    reader.position = entries;
    if (kind === KEY) this.#applyKey(reader, bitmap);
    else this.#applyDelta(reader, bitmap);
    this.#ready = true;
    return head;
  }

  #applyDelta(reader: Reader, bitmap: Uint8Array): void {
    for (let index = 0; index < this.size; index++) {
      this.gained[index] = this.states[index] === PRESENT ? 0 : NaN;
    }
    this.#walk(reader, bitmap, (index, entry) => {
      this.#take(index, entry, this.states[index] === PRESENT);
    });
  }

  #applyKey(reader: Reader, bitmap: Uint8Array): void {
    const known = this.#ready
      ? { steps: this.steps.slice(), states: this.states.slice(), exact: new Map(this.#exact) }
      : undefined;
    this.steps.fill(0);
    this.states.fill(PRESENT);
    this.#exact.clear();
    this.#walk(reader, bitmap, (index, entry) => {
      this.#take(index, entry, true);
    });
    for (let index = 0; index < this.size; index++) {
      const both = known?.states[index] === PRESENT && this.states[index] === PRESENT;
      this.gained[index] =
        known && both ? difference(this.exact(index), known.exact.get(index) ?? known.steps[index] ?? 0) : NaN;
    }
  }

  #take(index: number, entry: Entry, wasPresent: boolean): void {
    switch (entry.kind) {
      case 'absent':
        this.states[index] = entry.state;
        this.gained[index] = NaN;
        break;
      case 'whole': {
        const before = this.exact(index);
        this.#store(index, entry.steps);
        this.states[index] = PRESENT;
        this.gained[index] = wasPresent ? difference(entry.steps, before) : NaN;
        break;
      }
      case 'delta': {
        const exact = this.#exact.get(index);
        if (exact !== undefined) this.#store(index, exact + BigInt(entry.delta));
        else this.steps[index] = (this.steps[index] ?? 0) + entry.delta;
        this.gained[index] = entry.delta;
        break;
      }
    }
  }

  #store(index: number, steps: bigint): void {
    this.steps[index] = Number(steps);
    if (Number.isSafeInteger(Number(steps))) this.#exact.delete(index);
    else this.#exact.set(index, steps);
  }

  #walk(reader: Reader, bitmap: Uint8Array, take: (index: number, entry: Entry) => void): void {
    for (const [at, byte] of bitmap.entries()) {
      for (let bit = 0, rest = byte; rest !== 0; bit++, rest >>= 1) {
        if ((rest & 1) === 0) continue;
        const index = at * 8 + bit;
        if (index >= this.size) throw new FrameError('the bitmap names a series that the schema does not have');
        take(index, readEntry(reader));
      }
    }
  }
}

type Entry =
  | { readonly kind: 'delta'; readonly delta: number }
  | { readonly kind: 'whole'; readonly steps: bigint }
  | { readonly kind: 'absent'; readonly state: number };

function checkOnly(): void {
  // The first walk over a frame only finds out whether it can be read to its end.
}

function readEntry(reader: Reader): Entry {
  const zigzag = reader.varint();
  if (zigzag > 0) return { kind: 'delta', delta: zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2 };
  const escape = reader.byte();
  if (escape < absenceReasons.length) return { kind: 'absent', state: 1 + escape };
  if (escape === WHOLE) return { kind: 'whole', steps: reader.int64() };
  throw new FrameError(`unknown escape ${String(escape)}`);
}

function difference(now: Steps, before: Steps): number {
  return typeof now === 'number' && typeof before === 'number' ? now - before : Number(BigInt(now) - BigInt(before));
}

/** The head of a frame and whether it is a key frame, without decoding it. Throws FrameError. */
export function peekFrame(frame: Uint8Array): FrameHead & { readonly key: boolean } {
  const reader = new Reader(frame);
  const kind = reader.byte();
  if (kind !== KEY && kind !== DELTA) throw new FrameError(`unknown frame kind ${String(kind)}`);
  return { ...readHead(reader), key: kind === KEY };
}

function readHead(reader: Reader): FrameHead {
  return { seq: reader.varint(), generation: reader.varint(), timeMs: reader.varint() };
}

class Writer {
  #buffer = new Uint8Array(4096);
  #at = 0;

  start(): void {
    this.#at = 0;
  }
  finish(): Uint8Array {
    return this.#buffer.slice(0, this.#at);
  }
  byte(value: number): void {
    this.#room(1);
    this.#buffer[this.#at++] = value;
  }
  varint(value: number): void {
    this.#room(8);
    let rest = value;
    while (rest >= 128) {
      this.#buffer[this.#at++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.#buffer[this.#at++] = rest;
  }
  whole(value: bigint): void {
    this.varint(0);
    this.byte(WHOLE);
    this.#room(8);
    new DataView(this.#buffer.buffer).setBigInt64(this.#at, BigInt.asIntN(64, value), true);
    this.#at += 8;
  }
  reserve(length: number): number {
    this.#room(length);
    const start = this.#at;
    this.#buffer.fill(0, start, start + length);
    this.#at += length;
    return start;
  }
  setBit(start: number, index: number): void {
    const at = start + (index >> 3);
    this.#buffer[at] = (this.#buffer[at] ?? 0) | (1 << (index & 7));
  }
  #room(length: number): void {
    if (this.#at + length <= this.#buffer.length) return;
    const grown = new Uint8Array(Math.max(this.#buffer.length * 2, this.#at + length));
    grown.set(this.#buffer);
    this.#buffer = grown;
  }
}

class Reader {
  position = 0;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }
  get atEnd(): boolean {
    return this.position === this.#bytes.length;
  }
  byte(): number {
    const value = this.#bytes[this.position];
    if (value === undefined) throw new FrameError('the frame ends too early');
    this.position++;
    return value;
  }
  /** At most 2^53 − 1: longer varints are refused. */
  varint(): number {
    let value = 0;
    let factor = 1;
    for (let length = 0; length < 8; length++) {
      const byte = this.byte();
      value += (byte & 127) * factor;
      if (byte < 128) {
        if (!Number.isSafeInteger(value)) break;
        return value;
      }
      factor *= 128;
    }
    throw new FrameError('a varint is too long');
  }
  bytes(length: number): Uint8Array {
    if (this.position + length > this.#bytes.length) throw new FrameError('the frame ends too early');
    const slice = this.#bytes.subarray(this.position, this.position + length);
    this.position += length;
    return slice;
  }
  int64(): bigint {
    const slice = this.bytes(8);
    return new DataView(slice.buffer, slice.byteOffset, 8).getBigInt64(0, true);
  }
}
