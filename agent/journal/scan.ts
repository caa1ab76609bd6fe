// Walks over the bytes of a segment. Damage costs the records it touches: behind it the walk goes on at the next place
// where a whole record begins.
import { findMarker, parseRecord, type FoundRecord } from './format.ts';

export type Found =
  | { readonly kind: 'record'; readonly record: FoundRecord }
  /** Bytes that are no record; toByte is exclusive. */
  | { readonly kind: 'damage'; readonly fromByte: number; readonly toByte: number };

/**
 * What is in `bytes` from `start` on, in order. With `more` the bytes go on elsewhere: the walk ends before a record that
 * may be cut off, and gives where the next walk begins.
 */
export function* walk(bytes: Buffer, start: number, more: boolean): Generator<Found, number> {
  let at = start;
  while (at < bytes.length) {
    const record = parseRecord(bytes, at);
    if (more && (record === 'short' || (record && record.end > bytes.length))) return at;
    if (record !== undefined && record !== 'short' && record.whole) {
      yield { kind: 'record', record };
      at = record.end;
      continue;
    }
    const next = nextRecord(bytes, at + 1, more);
    if (next === undefined) {
      if (more) return at;
      yield { kind: 'damage', fromByte: at, toByte: bytes.length };
      return bytes.length;
    }
    yield { kind: 'damage', fromByte: at, toByte: next };
    at = next;
  }
  return at;
}

/** Where the next record begins that is whole, or may be if the bytes go on. */
function nextRecord(bytes: Buffer, from: number, more: boolean): number | undefined {
  for (let at = findMarker(bytes, from); at >= 0; at = findMarker(bytes, at + 1)) {
    const record = parseRecord(bytes, at);
    if (record === undefined) continue;
    if (record === 'short' || record.end > bytes.length) {
      if (more) return at;
      continue;
    }
    if (record.whole) return at;
  }
  return undefined;
}
