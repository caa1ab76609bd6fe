// The bytes of the journal's records. The first byte is the kind; a record whose layout changes gets a new kind, and kinds
// that this version does not know are skipped. Whole numbers are little-endian.
//   frame       2 · flags 1 · session 4 · seq 6 · time 8 (double) · received 8 (double) · the frame as it came
//   session     1 · session 4 · JSON
//   gap         3 · JSON
//   checkpoint  4 · part 2 · parts 2 · JSON, deflated
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';
import { gapReasons, helloSchema, instanceSchema, nodeNameSchema } from '#agent/contract';
import * as v from 'valibot';

/** The bytes are no record of the kind that they say. */
export class RecordError extends Error {
  override readonly name = 'RecordError';
}

export const kinds = { session: 1, frame: 2, gap: 3, checkpoint: 4 } as const;
export const flags = { key: 1, backlog: 2, repeated: 4 } as const;
export const FRAME_HEAD_BYTES = 28;
/** More than 100,000 agent processes; a bound for what a damaged record may unpack to. */
const MAX_CHECKPOINT_BYTES = 64 << 20;

const time = v.pipe(v.number(), v.finite());
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const seq = v.pipe(v.number(), v.safeInteger(), v.minValue(-1));

const sessionSchema = v.object({
  node: nodeNameSchema,
  instance: instanceSchema,
  generation: count,
  intervalMs: v.pipe(v.number(), v.minValue(1)),
  /** A hello that this version does not understand is none; the frames can be read all the same. */
  hello: v.fallback(v.optional(helloSchema), undefined),
  /** Name of the file that has the series. */
  schema: v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/)),
  /** Time of its first frame in this segment. */
  firstMs: time,
});
const gapSchema = v.object({
  node: nodeNameSchema,
  instance: v.pipe(v.string(), v.maxLength(64)),
  fromSeq: seq,
  toSeq: seq,
  fromMs: time,
  toMs: time,
  reason: v.picklist(gapReasons),
});
const knownSchema = v.object({
  node: nodeNameSchema,
  instance: instanceSchema,
  seqs: v.array(v.tuple([count, count])),
  lastMs: time,
  seenMs: time,
});
const checkpointSchema = v.object({
  known: v.array(knownSchema),
  gapSeconds: v.record(v.string(), v.number()),
});

export interface SessionRecord extends v.InferOutput<typeof sessionSchema> {
  readonly kind: 'session';
  /** Unique in the journal, growing over all lives of the server. */
  readonly session: number;
}
export interface FrameRecord {
  readonly kind: 'frame';
  readonly session: number;
  readonly seq: number;
  readonly key: boolean;
  readonly backlog: boolean;
  readonly repeated: boolean;
  readonly timeMs: number;
  readonly receivedMs: number;
  /** A view of the record. */
  readonly bytes: Uint8Array;
}
export interface GapRecord extends v.InferOutput<typeof gapSchema> {
  readonly kind: 'gap';
}
/** What is known of one agent process, as a checkpoint keeps it: also when it was last heard. */
export type CheckpointKnown = v.InferOutput<typeof knownSchema>;
/** All that must outlive the segments before it; in several parts where there is much. */
export interface CheckpointRecord {
  readonly kind: 'checkpoint';
  readonly part: number;
  readonly parts: number;
  readonly known: readonly CheckpointKnown[];
  /** Seconds recorded as lost since the data folder was made. */
  readonly gapSeconds: Readonly<Record<string, number>>;
}
export type StoredRecord = SessionRecord | FrameRecord | GapRecord | CheckpointRecord;

/** Undefined for kinds of a newer version. Throws RecordError. */
export function parseRecord(bytes: Uint8Array): StoredRecord | undefined {
  switch (bytes[0]) {
    case kinds.frame:
      return parseFrame(bytes);
    case kinds.session:
      return { kind: 'session', session: parseSessionNumber(bytes), ...parseJson(sessionSchema, bytes.subarray(5)) };
    case kinds.gap:
      return { kind: 'gap', ...parseJson(gapSchema, bytes.subarray(1)) };
    case kinds.checkpoint:
      return parseCheckpoint(bytes);
    case undefined:
      throw new RecordError('an empty record');
    default:
      return undefined;
  }
}

export function isFrame(bytes: Uint8Array): boolean {
  return bytes[0] === kinds.frame;
}

export function parseFrame(bytes: Uint8Array): FrameRecord {
  if (bytes.length < FRAME_HEAD_BYTES) throw new RecordError('a frame record ends too early');
  const view = new DataView(bytes.buffer, bytes.byteOffset, FRAME_HEAD_BYTES);
  const bits = view.getUint8(1);
  const timeMs = view.getFloat64(12, true);
  const receivedMs = view.getFloat64(20, true);
  if (!Number.isFinite(timeMs) || !Number.isFinite(receivedMs)) throw new RecordError('a frame record has no time');
  return {
    kind: 'frame',
    session: view.getUint32(2, true),
    seq: view.getUint32(6, true) + view.getUint16(10, true) * 2 ** 32,
    key: (bits & flags.key) !== 0,
    backlog: (bits & flags.backlog) !== 0,
    repeated: (bits & flags.repeated) !== 0,
    timeMs,
    receivedMs,
    bytes: bytes.subarray(FRAME_HEAD_BYTES),
  };
}

/** Changes the record of a frame: it has been stored before. */
export function markRepeated(bytes: Uint8Array): void {
  bytes[1] = (bytes[1] ?? 0) | flags.repeated;
}

/** Writes the record at the offset of a buffer with room for it; gives the offset behind it. */
export function writeFrame(view: DataView, offset: number, frame: Omit<FrameRecord, 'kind'>, session: number): number {
  const { seq: number, key, backlog, repeated, timeMs, receivedMs, bytes } = frame;
  view.setUint8(offset, kinds.frame);
  view.setUint8(offset + 1, (key ? flags.key : 0) | (backlog ? flags.backlog : 0) | (repeated ? flags.repeated : 0));
  view.setUint32(offset + 2, session, true);
  view.setUint32(offset + 6, number % 2 ** 32, true);
  view.setUint16(offset + 10, Math.floor(number / 2 ** 32), true);
  view.setFloat64(offset + 12, timeMs, true);
  view.setFloat64(offset + 20, receivedMs, true);
  new Uint8Array(view.buffer, view.byteOffset).set(bytes, offset + FRAME_HEAD_BYTES);
  return offset + FRAME_HEAD_BYTES + bytes.length;
}

export function encodeSession({ kind: _, session, ...rest }: SessionRecord): Uint8Array {
  const head = Buffer.alloc(5);
  head[0] = kinds.session;
  head.writeUInt32LE(session, 1);
  return Buffer.concat([head, Buffer.from(JSON.stringify(rest))]);
}

export function encodeGap({ kind: _, ...rest }: GapRecord): Uint8Array {
  return Buffer.concat([Buffer.of(kinds.gap), Buffer.from(JSON.stringify(rest))]);
}

export function encodeCheckpoint({ part, parts, known, gapSeconds }: Omit<CheckpointRecord, 'kind'>): Uint8Array {
  const head = Buffer.alloc(5);
  head[0] = kinds.checkpoint;
  head.writeUInt16LE(part, 1);
  head.writeUInt16LE(parts, 3);
  return Buffer.concat([
    head,
    deflateRawSync(JSON.stringify({ known, gapSeconds }), { level: constants.Z_BEST_SPEED }),
  ]);
}

function parseCheckpoint(bytes: Uint8Array): CheckpointRecord {
  if (bytes.length < 5) throw new RecordError('a checkpoint ends too early');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const [part, parts] = [view.getUint16(1, true), view.getUint16(3, true)];
  if (part >= parts) throw new RecordError(`part ${part} of a checkpoint with ${parts}`);
  let json: Buffer;
  try {
    json = inflateRawSync(bytes.subarray(5), { maxOutputLength: MAX_CHECKPOINT_BYTES });
  } catch (error) {
    throw new RecordError('a checkpoint cannot be unpacked', { cause: error });
  }
  return { kind: 'checkpoint', part, parts, ...parseJson(checkpointSchema, json) };
}

function parseSessionNumber(bytes: Uint8Array): number {
  if (bytes.length < 5) throw new RecordError('a session record ends too early');
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(1, true);
}

function parseJson<S extends v.GenericSchema>(schema: S, bytes: Uint8Array): v.InferOutput<S> {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString());
  } catch (error) {
    throw new RecordError('a record is no JSON', { cause: error });
  }
  const result = v.safeParse(schema, value);
  if (!result.success) throw new RecordError(`a record is not as expected: ${result.issues[0].message}`);
  return result.output;
}
