// The bytes of a load agent's messages, made of parts built beforehand: frames of a websocket client (RFC 6455 section 5,
// masked), packets of engine.io 4 and socket.io 5 by hand.
import type { BuiltFrames } from './load-agents-frames.ts';

/** Any key that is not zero: what is not masked costs the server nothing to unmask. */
const MASK = Uint8Array.of(0x37, 0xfa, 0x21, 0x3d);
const OPCODE_TEXT = 1;
const OPCODE_BINARY = 2;
/** Kind, seq, generation and time at their longest. */
const HEAD_ROOM = 32;
const KEY = 1;
const DELTA = 2;

/** How a frame is put on the wire: as socket.io does, in a bare websocket, in bare TCP. */
export type WireForm = 'socket.io' | 'ws' | 'tcp';

export function textFrame(text: string): Buffer {
  const payload = Buffer.from(text);
  const header = headerOf(OPCODE_TEXT, payload.length);
  return Buffer.concat([header, payload.map((byte, at) => byte ^ (MASK[at % 4] ?? 0))]);
}

/** Announces the attachment that follows as a frame of its own. */
const announcement = textFrame('451-/agents,["frame",{"_placeholder":true,"num":0}]');

export interface FrameToSend {
  readonly index: number;
  readonly seq: number;
  readonly timeMs: number;
}

/** Gives the writes that carry one frame. */
export class FrameWire {
  readonly #form: WireForm;
  readonly #frames: BuiltFrames;
  /** Bodies masked beforehand for each of the four places of the mask at which they can begin. */
  readonly #masked: readonly (readonly Uint8Array[])[];
  readonly #head = new Uint8Array(HEAD_ROOM);

  constructor(form: WireForm, frames: BuiltFrames) {
    this.#form = form;
    this.#frames = frames;
    this.#masked = [0, 1, 2, 3].map((start) =>
      frames.bodies.map(({ bytes }) => (form === 'tcp' ? bytes : bytes.map((byte, at) => byte ^ maskAt(start + at)))),
    );
  }

  writes(frame: FrameToSend): readonly Buffer[] {
    const length = this.#writeHead(frame);
    const body = this.#masked[length % 4]?.[frame.index] ?? new Uint8Array();
    if (this.#form === 'tcp') return [this.#lengthPrefixed(length, body)];
    for (let at = 0; at < length; at++) this.#head[at] = (this.#head[at] ?? 0) ^ maskAt(at);
    const message = this.#websocketFrame(length, body);
    // The client library writes each frame of the websocket by itself.
    return this.#form === 'socket.io' ? [announcement, message] : [message];
  }

  #writeHead({ index, seq, timeMs }: FrameToSend): number {
    this.#head[0] = this.#frames.bodies[index]?.key === true ? KEY : DELTA;
    const seqEnd = this.#varint(1, seq);
    const generationEnd = this.#varint(seqEnd, this.#frames.schema.generation);
    return this.#varint(generationEnd, timeMs);
  }

  #varint(start: number, value: number): number {
    let at = start;
    let rest = value;
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.#head[at++] = (rest % 128) + 128;
    this.#head[at++] = rest;
    return at;
  }

  #websocketFrame(headLength: number, body: Uint8Array): Buffer {
    const header = headerOf(OPCODE_BINARY, headLength + body.length);
    const message = Buffer.allocUnsafe(header.length + headLength + body.length);
    message.set(header);
    message.set(this.#head.subarray(0, headLength), header.length);
    message.set(body, header.length + headLength);
    return message;
  }

  #lengthPrefixed(headLength: number, body: Uint8Array): Buffer {
    const message = Buffer.allocUnsafe(4 + headLength + body.length);
    message.writeUInt32LE(headLength + body.length);
    message.set(this.#head.subarray(0, headLength), 4);
    message.set(body, 4 + headLength);
    return message;
  }
}

function headerOf(opcode: number, length: number): Buffer {
  const sizes = length < 126 ? [length] : length < 65_536 ? [126, length >> 8, length & 255] : undefined;
  const [first = 0, ...more] = sizes ?? [127, 0, 0, 0, 0, ...bigEndian(length)];
  return Buffer.from([0x80 | opcode, 0x80 | first, ...more, ...MASK]);
}

function bigEndian(length: number): number[] {
  return [length >>> 24, (length >> 16) & 255, (length >> 8) & 255, length & 255];
}

function maskAt(at: number): number {
  return MASK[at & 3] ?? 0;
}

export interface MessageTaker {
  readonly text: (text: string) => void;
  /** A binary message of four bytes. */
  readonly four: (value: number) => void;
}

/** Messages of a server, which are not masked. Keeps what has not come whole. */
export class ServerMessages {
  readonly #kind: 'websocket' | 'fours';
  #rest = nothing;

  constructor(kind: 'websocket' | 'fours' = 'websocket') {
    this.#kind = kind;
  }

  take(chunk: Buffer, taker: MessageTaker): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    for (let frame = this.#frameAt(bytes, at); frame; frame = this.#frameAt(bytes, at)) {
      if (frame.opcode === OPCODE_TEXT) taker.text(bytes.toString('latin1', frame.start, frame.end));
      else if (frame.end - frame.start === 4) taker.four(bytes.readUInt32LE(frame.start));
      at = frame.end;
    }
    // The chunk may lie in a buffer that is used again.
    this.#rest = at === bytes.length ? nothing : Buffer.from(bytes.subarray(at));
  }

  #frameAt(bytes: Buffer, at: number): ServerFrame | undefined {
    if (this.#kind === 'websocket') return frameAt(bytes, at);
    return bytes.length < at + 4 ? undefined : { opcode: OPCODE_BINARY, start: at, end: at + 4 };
  }
}

interface ServerFrame {
  readonly opcode: number;
  readonly start: number;
  readonly end: number;
}

const nothing = Buffer.alloc(0);

function frameAt(bytes: Buffer, at: number): ServerFrame | undefined {
  if (bytes.length < at + 2) return undefined;
  const short = bytes.readUInt8(at + 1) & 127;
  const start = at + (short < 126 ? 2 : short === 126 ? 4 : 10);
  if (bytes.length < start) return undefined;
  const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(at + 2) : bytes.readUInt32BE(at + 6);
  const end = start + length;
  return bytes.length < end ? undefined : { opcode: bytes.readUInt8(at) & 15, start, end };
}
