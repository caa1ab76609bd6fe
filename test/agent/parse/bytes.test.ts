// Digits → whole steps: exact at any size, never a number where there is none.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteCursor, parseCount, parseInteger } from '../../../agent/parse/bytes.ts';
import { ParseError } from '../../../agent/parse/parse-error.ts';

const count = (text: string) => parseCount(Buffer.from(text), 'file');

describe('parseCount', () => {
  it.each([
    ['0\n', 0],
    ['42', 42],
    ['  7\n', 7],
    ['9007199254740991\n', 9007199254740991],
    ['9007199254740992\n', 9007199254740992n],
    ['9007199254740993\n', 9007199254740993n],
    ['18446744073709551615\n', 18446744073709551615n],
    ['00012\n', 12],
  ])('%j', (text, value) => {
    expect(count(text)).toBe(value);
  });

  it.each(['', '\n', '-1\n', '1.5\n', '0x10\n', '1 2\n', 'N/A\n', '1e3\n', '12abc', '\0'])('refuses %j', (text) => {
    expect(() => count(text)).toThrow(ParseError);
  });

  it('says where, what stood there and what was expected', () => {
    expect(() => count('N/A (no PMA)\n')).toThrow(
      expect.objectContaining({ source: 'file', excerpt: 'N/A (no PMA)', expected: 'a whole number' }) as ParseError, // a matcher of vitest
    );
  });

  it('prints what it read, for every 64-bit number', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (value) => {
        const read = count(`${value}\n`);
        return BigInt(read) === value && (typeof read === 'number') === value <= BigInt(Number.MAX_SAFE_INTEGER);
      }),
    );
  });
});

describe('parseInteger', () => {
  it.each([
    ['43850\n', 43850],
    ['-273150\n', -273150],
    ['0', 0],
  ])('%j', (text, value) => {
    expect(parseInteger(Buffer.from(text), 'file')).toBe(value);
  });

  it.each(['', '--1', '4.5', 'hot', '9'.repeat(16)])('refuses %j', (text) => {
    expect(() => parseInteger(Buffer.from(text), 'file')).toThrow(ParseError);
  });
});

describe('ByteCursor', () => {
  it('does not read beyond the end of its bytes', () => {
    const cursor = new ByteCursor();
    cursor.reset(Buffer.from('12345').subarray(0, 2), 'file');
    expect(cursor.count()).toBe(12);
    expect(cursor.isAtEnd).toBe(true);
    expect(cursor.take(Buffer.from('3'))).toBe(false);
  });

  it('seeks on its own line only', () => {
    const cursor = new ByteCursor();
    cursor.reset(Buffer.from('ab\nc:1'), 'file');
    expect(cursor.seek(58)).toBe(false);
    expect(cursor.at).toBe(0);
    cursor.nextLine();
    expect(cursor.seek(58)).toBe(true);
    expect(cursor.at).toBe(4);
  });
});
