// Keeps one child process running: starts it, ends it when it falls silent, waits longer after each failure, and never
// starts a second one beside a child that cannot be killed. Nothing here waits.
import type { AbsenceReason } from '#agent/contract';
import type { CommandRunner, CommandStream, StreamEnd, StreamRequest } from '../../command.ts';

const FIRST_BACKOFF_MS = 1000;
const LAST_BACKOFF_MS = 60_000;
/** A child that ran this long was healthy: the next failure is the first again. */
const HEALTHY_MS = 60_000;
/** The longest patience with a child that has said nothing yet; less than what counts as healthy. */
const LONGEST_START_MS = 45_000;
/** A killed child that lives longer than this hangs in the driver. */
const STUCK_MS = 10_000;

export interface SupervisorOptions {
  readonly commands: CommandRunner;
  readonly kind: string;
  /** Asked anew for each child. */
  readonly program: () => Pick<StreamRequest, 'file' | 'args' | 'maxLineBytes'>;
  readonly silenceMs: number;
  readonly monotonicMs: () => number;
  readonly onLine: (line: string) => void;
  /** The child is gone or was given up. */
  readonly onDown: (reason: AbsenceReason, message: string) => void;
}

export class Supervisor {
  readonly #options: SupervisorOptions;
  #phase: 'idle' | 'running' | 'stopped' = 'idle';
  #stream: CommandStream | undefined;
  /** Lines and the end of a run that was given up say nothing more. */
  #run = 0;
  #startedMs = 0;
  /** When it was last heard. */
  #aliveMs: number | undefined;
  #retryMs = Number.NEGATIVE_INFINITY;
  #failures = 0;
  #killedMs = Number.NEGATIVE_INFINITY;

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  /** The child that was killed and lives on although it had time to end. */
  get stuckPid(): number | undefined {
    if (this.#options.monotonicMs() - this.#killedMs < STUCK_MS) return undefined;
    return this.#livesOn();
  }

  keepRunning(): void {
    const now = this.#options.monotonicMs();
    if (this.#phase === 'running' && now - (this.#aliveMs ?? this.#startedMs) > this.#patienceMs())
      this.giveUp('timed_out', 'it has fallen silent');
    if (this.#phase === 'idle' && now >= this.#retryMs && this.#livesOn() === undefined) this.#start();
  }

  /** The child did what it is for. */
  heard(): void {
    this.#aliveMs = this.#options.monotonicMs();
  }

  /** Ends the child; another one is started after the back-off. */
  giveUp(reason: AbsenceReason, message: string): void {
    if (this.#phase !== 'running') return;
    this.#kill();
    this.#down(reason, message, this.#backoffMs());
  }

  /** `keepRunning` begins again, not before the back-off that runs is over. */
  pause(): void {
    if (this.#phase !== 'running') return;
    this.#kill();
    this.#phase = 'idle';
  }

  stop(): void {
    this.pause();
    this.#phase = 'stopped';
  }

  #start(): void {
    const run = ++this.#run;
    this.#phase = 'running';
    this.#startedMs = this.#options.monotonicMs();
    this.#aliveMs = undefined;
    this.#stream = this.#options.commands.stream({
      kind: this.#options.kind,
      ...this.#options.program(),
      onLine: (line) => {
        if (run === this.#run) this.#options.onLine(line);
      },
      onEnd: (end) => {
        if (run === this.#run) this.#ended(end);
      },
    });
  }

  #ended(end: StreamEnd): void {
    this.#run++;
    const { reason, message } = meaningOf(end);
    const crashed = end.reason === 'exited' || end.reason === 'killed';
    this.#down(reason, message, crashed ? this.#backoffAfterCrashMs() : this.#backoffMs());
    // The first time there is nothing to wait for.
    this.keepRunning();
  }

  /** Without persistence mode a driver takes seconds for each GPU to start: whoever is killed for it never gets there. */
  #patienceMs(): number {
    const { silenceMs } = this.#options;
    if (this.#aliveMs !== undefined) return silenceMs;
    return Math.max(silenceMs, Math.min(LONGEST_START_MS, silenceMs * 2 ** this.#failures));
  }

  #down(reason: AbsenceReason, message: string, waitMs: number): void {
    this.#phase = 'idle';
    this.#retryMs = this.#options.monotonicMs() + waitMs;
    this.#options.onDown(reason, message);
  }

  #kill(): void {
    this.#run++;
    this.#killedMs = this.#options.monotonicMs();
    this.#stream?.stop();
    this.#stream = undefined;
  }

  #livesOn(): number | undefined {
    return this.#options.commands.stuckPid(this.#options.kind);
  }

  #backoffAfterCrashMs(): number {
    const backoffMs = this.#backoffMs();
    return this.#failures === 1 ? 0 : backoffMs / 2;
  }

  #backoffMs(): number {
    if (this.#options.monotonicMs() - this.#startedMs > HEALTHY_MS) this.#failures = 0;
    return Math.min(LAST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** this.#failures++);
  }
}

function meaningOf({ reason, exitCode, stderr }: StreamEnd): {
  readonly reason: AbsenceReason;
  readonly message: string;
} {
  const said = stderr.trim();
  switch (reason) {
    case 'exited':
      return { reason: 'malformed', message: said || `it ended with ${exitCode ?? 'no'} exit code` };
    case 'killed':
      return { reason: 'malformed', message: said || 'it crashed' };
    case 'line_too_long':
      return { reason: 'malformed', message: 'it printed a line without end' };
    case 'not_started':
      return { reason: /EACCES|EPERM/.test(said) ? 'forbidden' : 'not_present', message: said };
    case 'stopped':
      return { reason: 'timed_out', message: 'it was stopped' };
    case 'stuck':
      return { reason: 'timed_out', message: 'the one before it cannot be killed' };
  }
}
