// What a node's loop prints → answers, round by round. Format: script.ts. Nothing of a round that was cut is taken.
import { ParseError } from '../../parse/parse-error.ts';
import { GREETING } from './script.ts';

export interface Answer {
  readonly id: number;
  /** f text, l names, p place, x is there, E errno. */
  readonly kind: 'f' | 'l' | 'p' | 'x' | 'E';
  readonly content: Buffer;
}

export interface Round {
  readonly id: number;
  readonly answers: readonly Answer[];
}

export interface FrameLimits {
  /** Of one answer. */
  readonly answerBytes: number;
  readonly roundBytes: number;
}

const defaultLimits: FrameLimits = { answerBytes: 1024 * 1024, roundBytes: 16 * 1024 * 1024 };
const NEWLINE = 10;
const HEADER_BYTES = 64;
/** What login scripts print before our loop begins. */
const PREAMBLE_BYTES = 64 * 1024;

export class FrameDecoder {
  readonly #source: string;
  readonly #limits: FrameLimits;
  #rest: Buffer = Buffer.alloc(0);
  #machine: string | undefined;
  #answers: Answer[] = [];
  #roundBytes = 0;

  constructor(source: string, limits = defaultLimits) {
    this.#source = source;
    this.#limits = limits;
  }

  /** `uname -m` of the node; undefined before the loop has greeted. */
  get machine(): string | undefined {
    return this.#machine;
  }

  /** The rounds that are whole now. Throws ParseError; then nothing of the stream can be believed any more. */
  add(chunk: Buffer): readonly Round[] {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    if (this.#machine === undefined && !this.#greet()) return [];
    const rounds: Round[] = [];
    let at = 0;
    for (let frame = this.#frameAt(at); frame; frame = this.#frameAt(at)) {
      at = frame.end;
      const round = this.#take(frame);
      if (round) rounds.push(round);
    }
    this.#rest = this.#rest.subarray(at);
    return rounds;
  }

  #greet(): boolean {
    const at = this.#rest.indexOf(`\n${GREETING} `);
    const end = at < 0 ? -1 : this.#rest.indexOf(NEWLINE, at + 1);
    if (end < 0) {
      if (this.#rest.length > PREAMBLE_BYTES) throw this.#error(this.#rest, 'the greeting of the loop');
      return false;
    }
    this.#machine = this.#rest.toString('latin1', at + GREETING.length + 2, end);
    this.#rest = this.#rest.subarray(end + 1);
    return true;
  }

  #frameAt(start: number): Frame | undefined {
    const rest = this.#rest;
    const newline = rest.indexOf(NEWLINE, start);
    if (newline < 0) {
      if (rest.length - start > HEADER_BYTES) throw this.#error(rest.subarray(start), 'KIND SIZE ID');
      return undefined;
    }
    const header = rest.toString('latin1', start, Math.min(newline, start + HEADER_BYTES));
    const [, kind = '', size = '', id = ''] = /^([flpxEZ]) (\d{1,9}) (\d{1,9})$/.exec(header) ?? [];
    if (kind === '') throw this.#error(rest.subarray(start, newline), 'KIND SIZE ID');
    if (Number(size) > this.#limits.answerBytes) throw this.#error(header, 'a smaller answer');
    const end = newline + 1 + Number(size);
    if (rest.length <= end) return undefined;
    if (rest[end] !== NEWLINE) throw this.#error(header, 'an answer of its size');
    return { kind, id: Number(id), content: rest.subarray(newline + 1, end), end: end + 1 };
  }

  #take({ kind, id, content }: Frame): Round | undefined {
    if (kind === 'Z') {
      const answers = this.#answers;
      this.#answers = [];
      this.#roundBytes = 0;
      return { id, answers };
    }
    this.#roundBytes += content.length;
    if (this.#roundBytes > this.#limits.roundBytes) throw this.#error(`round of ${this.#roundBytes} bytes`, 'less');
    if (isKind(kind)) this.#answers.push({ id, kind, content });
    return undefined;
  }

  #error(found: Buffer | string, expected: string): ParseError {
    return new ParseError(this.#source, found.toString('latin1').slice(0, 100), expected);
  }
}

interface Frame {
  readonly kind: string;
  readonly id: number;
  readonly content: Buffer;
  readonly end: number;
}

function isKind(kind: string): kind is Answer['kind'] {
  return 'flpxE'.includes(kind);
}
