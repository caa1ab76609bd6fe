// What the collectors ask about a remote node, by what they have asked so far: what is asked in every round is fetched in
// every round, the rest in full rounds, what nobody asks for any more not at all. The node's side: script.ts.
import { absenceOfErrno, absent, isAbsent, type Absence } from '#agent/contract';
import type { Answer, Round } from './frames.ts';

/** f text, l names in a directory, p real place, x whether it is there. */
export type QuestionKind = 'f' | 'l' | 'p' | 'x';

/** What is asked in so many rounds in a row is fetched in every round. */
const OFTEN = 2;
/** Longer than the five minutes of the inventory, even at one round a second. */
const FORGET_AFTER_ROUNDS = 400;
/** More than this is copied by `cat`: the shell reads byte by byte. */
const LARGE_BYTES = 1024;
const MOST_QUESTIONS = 20_000;
const MOST_CHARACTERS = 1024;
const UNANSWERED = absent('timed_out');
const MISSING = absent('not_present');

interface Question {
  readonly id: number;
  readonly kind: QuestionKind;
  readonly path: string;
  answer: Buffer | Absence | undefined;
  /** The names, where it is a listing. */
  names: ReadonlySet<string> | undefined;
  askedRound: number;
  inARow: number;
  lane: 'f' | 's' | undefined;
  isLarge: boolean;
}

export class Questions {
  readonly #byKey = new Map<string, Question>();
  readonly #byId = new Map<number, Question>();
  #lastId = 0;
  #round = 0;
  #fresh: Question[] = [];
  #isStale = true;
  #refused = 0;

  /** Questions that no round has answered yet. */
  get pending(): number {
    return this.#fresh.length;
  }

  get size(): number {
    return this.#byId.size;
  }

  /** Questions that were refused because there are too many. */
  get refused(): number {
    return this.#refused;
  }

  /** What the last round said; `timed_out` if none has been asked this yet. */
  ask(kind: QuestionKind, path: string): Buffer | Absence {
    const key = kind + path;
    const known = this.#byKey.get(key);
    if (known) {
      this.#note(known);
      return known.answer ?? UNANSWERED;
    }
    if (this.#isMissing(path)) return MISSING;
    if (this.#byId.size >= MOST_QUESTIONS || path.length > MOST_CHARACTERS || /[\n\0]/.test(path)) {
      this.#refused++;
      return UNANSWERED;
    }
    this.#add(key, { id: ++this.#lastId, kind, path });
    return UNANSWERED;
  }

  /** Names of a directory as the last round listed them. */
  names(path: string): ReadonlySet<string> | Absence {
    const answer = this.ask('l', path);
    if (isAbsent(answer)) return answer;
    return this.#byKey.get(`l${path}`)?.names ?? UNANSWERED;
  }

  /** Whether some answer says that there is something; undefined if none says. */
  isThere(path: string): boolean | undefined {
    for (const kind of ['f', 'l', 'p'] as const) {
      const answer = this.#byKey.get(kind + path)?.answer;
      if (answer) return !isAbsent(answer) || answer.reason !== 'not_present';
    }
    const parent = this.#parentOf(path);
    return parent?.names?.has(path.slice(path.lastIndexOf('/') + 1));
  }

  /** The lines that bring the node's lists up to date and start the round. */
  request(full: boolean): { readonly id: number; readonly text: string } {
    this.#sort();
    const lines: string[] = [];
    if (this.#isStale) {
      lines.push('-');
      for (const question of this.#byId.values()) lines.push(lineOf(question.lane ?? 's', question));
    } else {
      for (const question of this.#fresh) lines.push(lineOf('1', question), lineOf(question.lane ?? 's', question));
    }
    const isFull = full || this.#isStale;
    this.#isStale = false;
    const id = ++this.#round;
    lines.push(`Z ${id} ${isFull ? 's' : 'f'}`, '');
    return { id, text: lines.join('\n') };
  }

  apply({ answers }: Round): void {
    for (const answer of answers) {
      const question = this.#byId.get(answer.id);
      if (question) take(question, answer);
    }
    this.#fresh = this.#fresh.filter(({ answer }) => answer === undefined);
  }

  /** A new connection: the node knows no list, and what was read before is not true any more. */
  restart(): void {
    this.#isStale = true;
    for (const question of this.#byId.values()) {
      question.answer = undefined;
      question.names = undefined;
    }
  }

  #add(key: string, { id, kind, path }: Pick<Question, 'id' | 'kind' | 'path'>): void {
    const question: Question = {
      ...{ id, kind, path, answer: undefined, names: undefined, lane: 's', isLarge: false },
      ...{ askedRound: this.#round, inARow: 1 },
    };
    this.#byKey.set(key, question);
    this.#byId.set(id, question);
    this.#fresh.push(question);
  }

  #note(question: Question): void {
    if (question.askedRound === this.#round) return;
    question.inARow = question.askedRound === this.#round - 1 ? question.inARow + 1 : 1;
    question.askedRound = this.#round;
  }

  /** A directory that was listed without the name, or that is not there. */
  #isMissing(path: string): boolean {
    const parent = this.#parentOf(path);
    if (!parent) return false;
    if (isAbsent(parent.answer)) return parent.answer.reason === 'not_present';
    return parent.names?.has(path.slice(path.lastIndexOf('/') + 1)) === false;
  }

  #parentOf(path: string): Question | undefined {
    return this.#byKey.get(`l${path.slice(0, path.lastIndexOf('/'))}`);
  }

  /** Who belongs into which list now. */
  #sort(): void {
    for (const [key, question] of this.#byKey) {
      const restedRounds = this.#round - question.askedRound;
      if (restedRounds > FORGET_AFTER_ROUNDS) {
        this.#byKey.delete(key);
        this.#byId.delete(question.id);
        this.#isStale = true;
        continue;
      }
      const lane = question.inARow >= OFTEN && restedRounds < OFTEN ? 'f' : 's';
      const length = Buffer.isBuffer(question.answer) ? question.answer.length : 0;
      const isLarge = question.isLarge || length > LARGE_BYTES;
      if (lane !== question.lane || isLarge !== question.isLarge) this.#isStale = true;
      question.lane = lane;
      question.isLarge = isLarge;
    }
  }
}

function lineOf(list: '1' | 'f' | 's', { id, kind, path, isLarge }: Question): string {
  return `${list} ${id} ${kind === 'f' && isLarge ? 'c' : kind} ${path}`;
}

function take(question: Question, { kind, content }: Answer): void {
  question.names = undefined;
  if (kind === 'E') question.answer = absent(absenceOfErrno(content.toString('latin1')));
  else question.answer = Buffer.from(content);
  if (kind === 'l') question.names = new Set(content.toString('utf8').split('/').filter(Boolean));
}
