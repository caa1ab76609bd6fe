// GPFS (IBM Storage Scale) as its client counts it: `mmpmon -p` with the one request fs_io_s, which only reads. It asks the
// daemon of the file system, so it is asked in a child with a deadline, every ten seconds at most, and only where it is installed.
import type { AbsenceReason } from '#agent/contract';
import type { CommandResult, CommandRunner } from '../command.ts';
import { parseFsIoS, type GpfsFilesystem } from '../parse/mmpmon.ts';
import { ParseError } from '../parse/parse-error.ts';
import { AreaPresence } from './area.ts';
import type { Collector, CollectorContext, Reader, ReadLane, ReadResult } from './collector.ts';
import { GpfsSeries } from './gpfs/series.ts';
import { withinTime } from './within-time.ts';

export const gpfs: Collector = { area: 'gpfs', start: (context) => new GpfsReader(context) };

const MMPMON = 'usr/lpp/mmfs/bin/mmpmon';
/** mmpmon takes its requests from standard input. */
const SCRIPT = `echo fs_io_s | /${MMPMON} -p`;
const TIMEOUT_MS = 5000;
const WAIT_MS = 700;
const EVERY_MS = 10_000;
const FORBIDDEN_EVERY_MS = 3_600_000;

type Answer =
  | { readonly kind: 'told'; readonly filesystems: readonly GpfsFilesystem[] }
  | { readonly kind: 'none'; readonly reason: AbsenceReason };

class GpfsReader implements Reader {
  readonly #context: CollectorContext;
  readonly #presence: AreaPresence;
  readonly #filesystems = new Map<string, GpfsSeries>();
  #isInstalled = false;
  #round: Promise<void> | undefined;
  #dueMs = Number.NEGATIVE_INFINITY;
  #isStopped = false;

  constructor(context: CollectorContext) {
    this.#context = context;
    this.#presence = new AreaPresence('gpfs', context);
  }

  discover(): void {
    this.#isInstalled = this.#context.tree.exists(MMPMON);
    if (this.#isInstalled && this.#context.commands) return;
    this.#set({ kind: 'none', reason: this.#isInstalled ? 'unsupported' : 'not_present' });
  }

  read(lane: ReadLane): ReadResult | Promise<ReadResult> {
    const { commands, monotonicMs } = this.#context;
    if (lane !== 'medium' || !commands || !this.#isInstalled || monotonicMs() < this.#dueMs) return 'ok';
    return this.#askNow(commands);
  }

  stop(): void {
    this.#isStopped = true;
    this.#keep([]);
    this.#presence.remove();
  }

  async #askNow(commands: CommandRunner): Promise<ReadResult> {
    this.#round ??= this.#ask(commands).finally(() => {
      this.#round = undefined;
    });
    await withinTime(WAIT_MS, this.#round);
    return 'ok';
  }

  async #ask(commands: CommandRunner): Promise<void> {
    const startMs = this.#context.monotonicMs();
    const args = ['-c', SCRIPT];
    const answer = answerOf(await commands.run({ kind: 'mmpmon', file: 'sh', args, timeoutMs: TIMEOUT_MS }));
    const forbidden = answer.kind === 'none' && answer.reason === 'forbidden';
    this.#dueMs = startMs + (forbidden ? FORBIDDEN_EVERY_MS : EVERY_MS);
    this.#set(answer);
  }

  #set(answer: Answer): void {
    if (this.#isStopped) return;
    switch (answer.kind) {
      case 'told':
        this.#keep(answer.filesystems.map(({ filesystem }) => filesystem));
        for (const filesystem of answer.filesystems) this.#seriesOf(filesystem).set(filesystem);
        this.#presence.set(this.#filesystems.size > 0 ? undefined : 'not_present');
        return;
      case 'none':
        for (const { group } of this.#filesystems.values()) group.absent(answer.reason);
        this.#presence.set(this.#filesystems.size > 0 ? undefined : answer.reason);
        return;
    }
  }

  #keep(names: readonly string[]): void {
    for (const [name, { group }] of this.#filesystems) {
      if (names.includes(name)) continue;
      this.#context.snapshot.remove(group);
      this.#filesystems.delete(name);
    }
  }

  #seriesOf({ filesystem }: GpfsFilesystem): GpfsSeries {
    const series = this.#filesystems.get(filesystem) ?? new GpfsSeries(this.#context.snapshot.group(), filesystem);
    this.#filesystems.set(filesystem, series);
    return series;
  }
}

function answerOf(result: CommandResult): Answer {
  switch (result.kind) {
    case 'done':
      return answerOfOutput(result.stdout, result.stderr);
    case 'timed_out':
    case 'stuck':
      return { kind: 'none', reason: 'timed_out' };
    case 'killed':
    case 'too_much_output':
      return { kind: 'none', reason: 'malformed' };
    case 'not_started':
      return { kind: 'none', reason: 'unsupported' };
  }
}

function answerOfOutput(stdout: string, stderr: string): Answer {
  try {
    return { kind: 'told', filesystems: parseFsIoS(stdout, 'mmpmon') };
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    const told = `${stdout}\n${stderr}`;
    if (/permission denied|not permitted|not authorized|must be root|root authority/i.test(told)) {
      return { kind: 'none', reason: 'forbidden' };
    }
    // The daemon does not run: nothing is mounted.
    return { kind: 'none', reason: stdout.trim() === '' ? 'not_present' : 'malformed' };
  }
}
