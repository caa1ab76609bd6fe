// When which drive is asked for its health: all at the start, then each every ten minutes, one drive at a time, and at once
// after its state changed. One that may not or cannot be asked is asked each hour.
import type { CommandRunner } from '../../command.ts';
import type { CollectorContext } from '../collector.ts';
import type { DriveHealth } from './health.ts';
import { SmartPrograms, type SmartAnswer } from './smart.ts';

const EVERY_MS = 600_000;
const REFUSED_EVERY_MS = 3_600_000;
/** Drives of many nodes behind one server must not be asked in step. */
const JITTER = 0.1;

export interface HealthDrive {
  readonly controller: string;
  readonly serial: string;
  readonly health: DriveHealth;
  readonly mayBeAsked: () => boolean;
}

interface Entry extends HealthDrive {
  dueMs: number;
  answer: SmartAnswer;
}

export class HealthRounds {
  readonly #context: CollectorContext;
  readonly #programs: SmartPrograms;
  readonly #entries = new Map<string, Entry>();
  #round: Promise<void> | undefined;

  constructor(context: CollectorContext, commands: CommandRunner) {
    this.#context = context;
    this.#programs = new SmartPrograms(commands);
  }

  meet(drive: HealthDrive): void {
    this.#entries.set(drive.controller, {
      ...drive,
      dueMs: this.#context.monotonicMs(),
      answer: { kind: 'none', reason: 'not_present' },
    });
  }

  lose(controller: string): void {
    this.#entries.delete(controller);
  }

  /** The drive that is asked now is the last one. */
  stop(): void {
    this.#entries.clear();
  }

  hurry(controller: string): void {
    const entry = this.#entries.get(controller);
    if (entry) entry.dueMs = this.#context.monotonicMs();
  }

  /** Shows what is known and asks whoever is due; undefined if nobody is. While a round goes on there is no second one. */
  run(): Promise<void> | undefined {
    for (const entry of this.#entries.values()) show(entry);
    if (this.#next() === undefined) return this.#round;
    this.#round ??= this.#askAll().finally(() => {
      this.#round = undefined;
    });
    return this.#round;
  }

  async #askAll(): Promise<void> {
    for (let entry = this.#next(); entry; entry = this.#next()) await this.#ask(entry);
  }

  #next(): Entry | undefined {
    const nowMs = this.#context.monotonicMs();
    return [...this.#entries.values()].find(({ dueMs, mayBeAsked }) => dueMs <= nowMs && mayBeAsked());
  }

  async #ask(entry: Entry): Promise<void> {
    entry.dueMs = Number.POSITIVE_INFINITY;
    const answer = await this.#programs.ask(entry.controller);
    this.#tell(entry, answer);
    entry.answer = answer;
    // It is due already where its state changed meanwhile.
    entry.dueMs = Math.min(entry.dueMs, this.#context.monotonicMs() + restOf(entry, answer));
    show(entry);
  }

  #tell({ controller, answer: before }: Entry, answer: SmartAnswer): void {
    const { log } = this.#context;
    if (answer.kind === 'log') {
      if (before.kind === 'none' && before.reason !== 'not_present')
        log.info('NVMe health is told again', { controller });
      return;
    }
    if (before.kind === 'none' && before.reason === answer.reason) return;
    log.info('NVMe health is not told', { controller, reason: answer.reason });
  }
}

function restOf({ serial }: Entry, answer: SmartAnswer): number {
  const refused = answer.kind === 'none' && (answer.reason === 'forbidden' || answer.reason === 'unsupported');
  return refused ? REFUSED_EVERY_MS : EVERY_MS * (1 + JITTER * spreadOf(serial));
}

/** What a drive said while it was live must not pass for its health now. */
function show({ health, mayBeAsked, answer }: Entry): void {
  health.set(mayBeAsked() ? answer : { kind: 'none', reason: 'timed_out' });
}

/** From -1 to 1, always the same for the same drive, and far apart for serial numbers that differ in one character. */
function spreadOf(serial: string): number {
  let hash = 0x811c9dc5;
  for (const character of `${serial} ${serial}`) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  return ((hash ^ (hash >>> 15)) >>> 0) / 2 ** 31 - 1;
}
