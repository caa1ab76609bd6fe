// Digits in a buffer → whole steps, exact at any size and without making a string of what is not too large.
import type { Steps } from '#agent/contract';
import { ParseError } from './parse-error.ts';

const ZERO = 48;
const NINE = 57;
const NEWLINE = 10;
const BLANK = 32;
const TAB = 9;

/** The only number of a file, as counters in sysfs are. */
export function parseCount(bytes: Buffer, source: string): Steps {
  const cursor = new ByteCursor();
  cursor.reset(bytes, source);
  const value = cursor.count();
  const rest = bytes.toString('latin1', cursor.at).trim();
  if (rest !== '') throw new ParseError(source, bytes.toString('latin1'), 'a whole number');
  return value;
}

/** Like `parseCount`, with a sign: temperatures. */
export function parseInteger(bytes: Buffer, source: string): number {
  const text = bytes.toString('latin1', 0, 32).trim();
  if (!/^-?\d{1,15}$/.test(text)) throw new ParseError(source, text, 'a whole number');
  return Number(text);
}

/** A place in a buffer that moves on. Kept by its parser, so that a pass over a file makes no garbage. */
export class ByteCursor {
  at = 0;
  #bytes: Buffer = Buffer.alloc(0);
  #end = 0;
  #source = '';

  reset(bytes: Buffer, source: string): void {
    this.#bytes = bytes;
    this.#end = bytes.length;
    this.#source = source;
    this.at = 0;
  }

  get isAtEnd(): boolean {
    return this.at >= this.#end;
  }

  /** Steps over blanks; true if nothing but the end of the line follows. */
  isAtLineEnd(): boolean {
    this.skipBlanks();
    return this.at >= this.#end || this.#bytes[this.at] === NEWLINE;
  }

  skipBlanks(): void {
    let at = this.at;
    for (let byte = this.#bytes[at]; byte === BLANK || byte === TAB; byte = this.#bytes[at]) at++;
    this.at = at;
  }

  /** A whole number behind blanks. */
  count(): Steps {
    this.skipBlanks();
    const start = this.at;
    const bytes = this.#bytes;
    const end = this.#end;
    let at = start;
    let value = 0;
    for (; at < end; at++) {
      const byte = bytes[at] ?? 0;
      if (byte < ZERO || byte > NINE) break;
      value = value * 10 + (byte - ZERO);
    }
    if (at === start) this.fail('a whole number');
    this.at = at;
    return Number.isSafeInteger(value) ? value : BigInt(bytes.toString('latin1', start, at));
  }

  /** A count that no machine brings beyond 2^53: times, processes. */
  smallCount(): number {
    return Number(this.count());
  }

  /** Steps over a word if it stands here. */
  take(word: Buffer): boolean {
    if (!this.#matches(word)) return false;
    this.at += word.length;
    return true;
  }

  /** To the start of the next line. */
  nextLine(): void {
    const newline = this.#bytes.indexOf(NEWLINE, this.at);
    this.at = newline === -1 ? this.#end : newline + 1;
  }

  /** To a byte on this line; false, and not moved, if it is not there. */
  seek(byte: number): boolean {
    for (let at = this.at; at < this.#end; at++) {
      const here = this.#bytes[at];
      if (here === byte) {
        this.at = at;
        return true;
      }
      if (here === NEWLINE) return false;
    }
    return false;
  }

  text(start: number, end: number): string {
    return this.#bytes.toString('utf8', start, end);
  }

  equals(start: number, end: number, word: Buffer): boolean {
    return end - start === word.length && this.#bytes.compare(word, 0, word.length, start, end) === 0;
  }

  fail(expected: string): never {
    const start = this.#bytes.lastIndexOf(NEWLINE, Math.max(0, this.at - 1)) + 1;
    throw new ParseError(
      this.#source,
      this.#bytes.toString('latin1', start, start + 120).split('\n')[0] ?? '',
      expected,
    );
  }

  #matches(word: Buffer): boolean {
    if (this.at + word.length > this.#end) return false;
    for (let index = 0; index < word.length; index++) {
      if (this.#bytes[this.at + index] !== word[index]) return false;
    }
    return true;
  }
}
