// The bytes of a segment file, format 1; docs/journal.md has the table. Whole numbers are big-endian.
//   header  magic 8 · version 2 · first 6 · previous 6 · created 6 · CRC-32 4
//   record  marker 2 · number 6 · length 4 · CRC-32 of these 12 · CRC-32 of these 16 and the payload · payload
//   seal    marker 2 · number of the last record 6 · 0 · CRC-32 of these 12 · the same again
// The header of a record has a checksum of its own: its length is believed only when it holds, so that searching for
// the next record after damage takes time in proportion to the bytes, whatever they are.
import { crc32 } from 'node:zlib';

export const SEGMENT_HEADER_BYTES = 32;
export const RECORD_HEADER_BYTES = 20;
export const SEAL_BYTES = 20;
export const MAX_RECORD_BYTES = 32 << 20;
export const FORMAT_VERSION = 1;

const MAGIC = Buffer.from('whyidleJ', 'latin1');
const RECORD_MARKER = 0xd74a;
const SEAL_MARKER = 0xd753;
const MARKER_BYTES = Buffer.from([RECORD_MARKER >> 8, RECORD_MARKER & 0xff]);

export interface SegmentHeader {
  readonly version: number;
  /** Number of the first record. */
  readonly first: number;
  /** Number of the last record before it, in another segment; 0 if there was none. Numbers between were never written. */
  readonly previous: number;
  readonly createdMs: number;
}

export function segmentName(first: number): string {
  return `${String(first).padStart(12, '0')}.segment`;
}

/** Number of the first record by the file's name; undefined for every other file. */
export function segmentNumber(name: string): number | undefined {
  const [, digits] = /^(\d{12,15})\.segment$/.exec(name) ?? [];
  return digits === undefined || segmentName(Number(digits)) !== name ? undefined : Number(digits);
}

export function encodeHeader({ first, previous, createdMs }: Omit<SegmentHeader, 'version'>): Buffer {
  const bytes = Buffer.alloc(SEGMENT_HEADER_BYTES);
  MAGIC.copy(bytes);
  bytes.writeUInt16BE(FORMAT_VERSION, 8);
  bytes.writeUIntBE(first, 10, 6);
  bytes.writeUIntBE(previous, 16, 6);
  bytes.writeUIntBE(Math.max(0, Math.floor(createdMs)), 22, 6);
  bytes.writeUInt32BE(crc32(bytes.subarray(0, 28)), 28);
  return bytes;
}

/** Undefined if the bytes are no whole header. */
export function parseHeader(bytes: Buffer): SegmentHeader | undefined {
  if (bytes.length < SEGMENT_HEADER_BYTES || !bytes.subarray(0, 8).equals(MAGIC)) return undefined;
  if (crc32(bytes.subarray(0, 28)) !== bytes.readUInt32BE(28)) return undefined;
  return {
    version: bytes.readUInt16BE(8),
    first: bytes.readUIntBE(10, 6),
    previous: bytes.readUIntBE(16, 6),
    createdMs: bytes.readUIntBE(22, 6),
  };
}

/** Writes header and payload of a record at the offset; gives the offset behind it. */
export function writeRecord(bytes: Buffer, offset: number, number: number, payload: Uint8Array): number {
  const headCrc = writeHead(bytes, offset, RECORD_MARKER, number, payload.length);
  bytes.writeUInt32BE(crc32(payload, headCrc), offset + 16);
  bytes.set(payload, offset + RECORD_HEADER_BYTES);
  return offset + RECORD_HEADER_BYTES + payload.length;
}

export function encodeSeal(last: number): Buffer {
  const bytes = Buffer.alloc(SEAL_BYTES);
  bytes.writeUInt32BE(writeHead(bytes, 0, SEAL_MARKER, last, 0), 16);
  return bytes;
}

/** The last record's number if the bytes are a seal. */
export function parseSeal(bytes: Buffer): number | undefined {
  if (bytes.length !== SEAL_BYTES) return undefined;
  const last = bytes.readUIntBE(2, 6);
  return encodeSeal(last).equals(bytes) ? last : undefined;
}

/** Whether the bytes behind the last record are a seal that was cut off or has a damaged byte or two: no record. */
export function isNearlySeal(bytes: Buffer, last: number): boolean {
  if (bytes.length > SEAL_BYTES) return false;
  const seal = encodeSeal(last);
  const different = bytes.reduce((count, byte, at) => count + (byte === seal[at] ? 0 : 1), 0);
  return bytes.length < SEAL_BYTES ? different === 0 : different <= 4;
}

/** A record whose header holds; `whole` if the payload is all there and holds as well. */
export interface FoundRecord {
  readonly number: number;
  readonly start: number;
  readonly end: number;
  readonly whole: boolean;
}

/** The record at the offset. 'short': the bytes end within its header. Undefined: no record begins here. */
export function parseRecord(bytes: Buffer, start: number): FoundRecord | 'short' | undefined {
  if (start + RECORD_HEADER_BYTES > bytes.length) {
    return MARKER_BYTES.compare(
      bytes,
      start,
      Math.min(start + 2, bytes.length),
      0,
      Math.min(2, bytes.length - start),
    ) === 0
      ? 'short'
      : undefined;
  }
  if (bytes.readUInt16BE(start) !== RECORD_MARKER) return undefined;
  const headCrc = bytes.readUInt32BE(start + 12);
  if (crc32(bytes.subarray(start, start + 12)) !== headCrc) return undefined;
  const payload = start + RECORD_HEADER_BYTES;
  const end = payload + bytes.readUInt32BE(start + 8);
  const whole = end <= bytes.length && crc32(bytes.subarray(payload, end), headCrc) === bytes.readUInt32BE(start + 16);
  return { number: bytes.readUIntBE(start + 2, 6), start, end, whole };
}

/** Offset of the next place where a record could begin; -1 if there is none. */
export function findMarker(bytes: Buffer, from: number): number {
  return bytes.indexOf(MARKER_BYTES, from);
}

function writeHead(bytes: Buffer, offset: number, marker: number, number: number, length: number): number {
  bytes.writeUInt16BE(marker, offset);
  bytes.writeUIntBE(number, offset + 2, 6);
  bytes.writeUInt32BE(length, offset + 8);
  const crc = crc32(bytes.subarray(offset, offset + 12));
  bytes.writeUInt32BE(crc, offset + 12);
  return crc;
}
