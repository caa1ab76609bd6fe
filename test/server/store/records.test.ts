import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  encodeCheckpoint,
  encodeGap,
  encodeSession,
  parseRecord,
  RecordError,
  writeFrame,
  FRAME_HEAD_BYTES,
  type GapRecord,
  type SessionRecord,
} from '../../../server/store/records.ts';

const session: SessionRecord = {
  ...{
    kind: 'session',
    session: 4_000_000_000,
    node: 'node07',
    instance: 'boot-0001',
    generation: 3,
    intervalMs: 1000,
  },
  hello: undefined,
  schema: '0123456789abcdef0123456789abcdef',
  firstMs: 1_800_000_000_000.5,
};
const gap: GapRecord = {
  ...{ kind: 'gap', node: 'node07', instance: 'boot-0001', fromSeq: 7, toSeq: 9 },
  ...{ fromMs: 1_800_000_000_000, toMs: 1_800_000_002_000, reason: 'cap' },
};
const checkpoint = {
  ...{ part: 1, parts: 3, gapSeconds: { cap: 2.5 } },
  known: [{ node: 'node07', instance: 'boot-0001', seqs: [[1, 6] as [number, number]], lastMs: 5, seenMs: 6 }],
};

function frameRecord(
  seq: number,
  bits: { key: boolean; backlog: boolean; repeated: boolean },
  bytes: Uint8Array,
): Uint8Array {
  const record = new Uint8Array(FRAME_HEAD_BYTES + bytes.length);
  const frame = { session: 0, seq, ...bits, timeMs: 1_800_000_000_000.25, receivedMs: 1_800_000_000_100, bytes };
  writeFrame(new DataView(record.buffer), 0, frame, 77);
  return record;
}

describe('records come back as they were', () => {
  test('session, gap, checkpoint', () => {
    expect(parseRecord(encodeSession(session))).toEqual(session);
    expect(parseRecord(encodeGap(gap))).toEqual(gap);
    expect(parseRecord(encodeCheckpoint(checkpoint))).toEqual({ kind: 'checkpoint', ...checkpoint });
  });

  test('frames, with sequence numbers up to 2^48', () => {
    const any = fc.record({ key: fc.boolean(), backlog: fc.boolean(), repeated: fc.boolean() });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 48 - 1 }), any, fc.uint8Array(), (seq, bits, bytes) => {
        expect(parseRecord(frameRecord(seq, bits, bytes))).toEqual({
          ...{ kind: 'frame', session: 77, seq, ...bits },
          ...{ timeMs: 1_800_000_000_000.25, receivedMs: 1_800_000_000_100, bytes },
        });
      }),
    );
  });
});

describe('whatever the bytes are', () => {
  const isRecordOrRefused = (bytes: Uint8Array): boolean => {
    try {
      parseRecord(bytes);
      return true;
    } catch (error) {
      return error instanceof RecordError;
    }
  };

  test('nothing but the own error is thrown', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), isRecordOrRefused), { numRuns: 2000 });
    // The first byte alone decides what the others are read as.
    fc.assert(
      fc.property(fc.constantFrom(1, 2, 3, 4), fc.uint8Array({ maxLength: 200 }), (kind, rest) =>
        isRecordOrRefused(Uint8Array.of(kind, ...rest)),
      ),
      { numRuns: 2000 },
    );
  });

  test('nor for records with a changed, missing or doubled byte', () => {
    const frame = frameRecord(5, { key: true, backlog: false, repeated: false }, Uint8Array.of(1, 2, 3));
    const records = [encodeSession(session), encodeGap(gap), encodeCheckpoint(checkpoint), frame];
    fc.assert(
      fc.property(
        fc.constantFrom(...records),
        fc.nat(),
        fc.integer({ min: 0, max: 255 }),
        fc.nat(2),
        (record, at, byte, how) => {
          const bytes = [...record];
          bytes.splice(at % bytes.length, how === 0 ? 1 : how === 1 ? 0 : 1, ...(how === 0 ? [] : [byte]));
          return isRecordOrRefused(Uint8Array.from(bytes));
        },
      ),
      { numRuns: 3000 },
    );
  });

  test('a kind of a newer version is no record and no error', () => {
    expect(parseRecord(Uint8Array.of(9, 1, 2, 3))).toBeUndefined();
  });

  test('a session whose hello cannot be understood keeps its frames readable', () => {
    const later = { ...session, hello: { protocol: 'quantum' } } as unknown as SessionRecord; // of a later version
    expect(parseRecord(encodeSession(later))).toEqual(session);
  });
});
