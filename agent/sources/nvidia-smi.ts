// One long-lived `nvidia-smi --query-gpu=… --loop-ms=N`: its ticks, its silence, its restarts. Authority: nvidia-smi(1).
// Nothing here waits: whoever reads calls `keepRunning` on every tick of its own.
import { absent, isAbsent, type Absence, type AbsenceReason } from '#agent/contract';
import type { CommandResult, CommandRunner, CommandStream, StreamEnd } from '../command.ts';
import type { Log } from '../log.ts';
import { columnOf, valueIn, type GpuProcessUse, type GpuSheet } from '../parse/gpu/sheet.ts';
import { coreFields, createSheetReader } from '../parse/gpu/smi-csv-sheet.ts';
import { parseHelpQuery, parseProcessIds, parseRefusedField, type NvidiaSmiRow } from '../parse/nvidia-smi-csv.ts';
import type { GpuReport, GpuSource, SourceState } from './gpu-source.ts';
import { reasonOf, reasonOfEnd, reasonOfExit } from './nvidia-smi-reasons.ts';
import { TickAssembler } from './nvidia-smi-tick.ts';
import { Waiting } from './settled.ts';

const KIND = 'nvidia-smi';
const SILENT = 'nvidia-smi has fallen silent';
const QUESTION_TIMEOUT_MS = 5000;
const PROCESSES_EVERY_MS = 10_000;
/** A killed child that lives on this long hangs in the driver. */
const DYING_MS = 1000;
const LEAST_SILENCE_MS = 5000;
/** The longest that a loop may take to its first tick. */
const LONGEST_START_MS = 45_000;
const FIRST_BACKOFF_MS = 1000;
const LAST_BACKOFF_MS = 60_000;
/** A loop that ran this long was healthy: the next restart is the first again. */
const HEALTHY_MS = 60_000;

export interface NvidiaSmiOptions {
  readonly commands: CommandRunner;
  readonly file: string;
  /** Fields to ask for, by their newest name. */
  readonly fields: readonly string[];
  readonly intervalMs: number;
  readonly monotonicMs: () => number;
  readonly log: Log;
}

/** Older names of fields. */
const olderNames = new Map([['clocks_event_reasons.active', 'clocks_throttle_reasons.active']]);

const processColumn = columnOf('gpu_processes', { kind: 'compute' });

export class NvidiaSmi implements GpuSource {
  readonly name = 'nvidia_smi';
  readonly #options: NvidiaSmiOptions;
  readonly #silenceMs: number;
  readonly #askedSheetOf: (row: NvidiaSmiRow) => GpuSheet;
  readonly #refused = new Set<string>();
  readonly #waiting = new Waiting();
  #known: ReadonlySet<string> | undefined;
  #phase: 'idle' | 'asking' | 'looping' | 'stopped' = 'idle';
  #stream: CommandStream | undefined;
  #assembler: TickAssembler | undefined;
  #run = 0;
  #startedMs = 0;
  #aliveMs = 0;
  #retryMs = Number.NEGATIVE_INFINITY;
  #restarts = 0;
  #killedMs = Number.NEGATIVE_INFINITY;
  #tick: { readonly sheets: readonly GpuSheet[]; readonly atMs: number } | undefined;
  #report: GpuReport | undefined;
  #processes: ReadonlyMap<string, readonly number[]> | Absence = absent('timed_out');
  #isCounting = false;
  #processesAskedMs = Number.NEGATIVE_INFINITY;
  #failure: { readonly reason: AbsenceReason; readonly message: string } | undefined;

  constructor(options: NvidiaSmiOptions) {
    this.#options = options;
    this.#askedSheetOf = createSheetReader(options.fields);
    this.#silenceMs = Math.max(LEAST_SILENCE_MS, 3 * options.intervalMs);
  }

  get state(): SourceState {
    const now = this.#options.monotonicMs();
    const stuck = this.#options.commands.stuckPid(KIND);
    if (stuck !== undefined && now - this.#killedMs > DYING_MS) return { kind: 'stuck', pid: stuck };
    if (this.#tick && now - this.#tick.atMs <= this.#silenceMs)
      return { kind: 'delivering', report: this.#reportOf(this.#tick) };
    if (this.#failure) return { kind: 'failed', ...this.#failure };
    return this.#tick ? { kind: 'failed', reason: 'timed_out', message: SILENT } : { kind: 'starting' };
  }

  keepRunning(): void {
    const now = this.#options.monotonicMs();
    if (this.#phase === 'idle' && now >= this.#retryMs) void this.#begin();
    if (this.#phase === 'looping' && now - this.#aliveMs > this.#patienceMs) this.#endSilent();
    if (this.#tick && now - this.#processesAskedMs >= PROCESSES_EVERY_MS) void this.#askProcesses();
  }

  async settle(timeoutMs: number): Promise<void> {
    if (this.state.kind !== 'starting' && !this.#isCounting) return;
    await this.#waiting.wait(timeoutMs);
  }

  pause(): void {
    if (this.#phase === 'looping' || this.#phase === 'asking') {
      this.#run++;
      const stream = this.#stream;
      this.#idle(this.#backoffMs());
      this.#kill(stream);
    }
    this.#tick = this.#report = undefined;
  }

  stop(): void {
    this.#phase = 'stopped';
    this.#run++;
    this.#kill(this.#stream);
    this.#waiting.wake();
  }

  /** With the processes counted last. */
  #reportOf(tick: { readonly sheets: readonly GpuSheet[]; readonly atMs: number }): GpuReport {
    this.#report ??= { atMs: tick.atMs, sheets: tick.sheets.map((sheet) => this.#withProcesses(sheet)) };
    return this.#report;
  }

  #withProcesses(sheet: GpuSheet): GpuSheet {
    if (sheet.loss !== undefined) return sheet;
    const told = this.#processes;
    if (isAbsent(told)) return { ...sheet, values: [...sheet.values, valueIn(processColumn, told)] };
    const pids = told.get(sheet.identity.uuid) ?? [];
    const values = [...sheet.values, valueIn(processColumn, pids.length)];
    return { ...sheet, values, processes: pids.map(processOf) };
  }

  async #askProcesses(): Promise<void> {
    this.#processesAskedMs = this.#options.monotonicMs();
    this.#isCounting = true;
    const result = await this.#ask('nvidia-smi processes', [
      '--query-compute-apps=gpu_uuid,pid',
      '--format=csv,noheader',
    ]);
    this.#isCounting = false;
    // Nobody was asked, because another child hangs for the moment: what was counted last holds, and the next tick asks again.
    if (result.kind === 'stuck') this.#processesAskedMs = Number.NEGATIVE_INFINITY;
    else this.#processes = processesOf(result);
    this.#report = undefined;
    this.#waiting.wake();
  }

  #kill(stream: CommandStream | undefined): void {
    this.#killedMs = this.#options.monotonicMs();
    stream?.stop();
  }

  async #begin(): Promise<void> {
    const run = ++this.#run;
    this.#phase = 'asking';
    this.#startedMs = this.#options.monotonicMs();
    const known = this.#known ?? (await this.#askFields());
    if (run !== this.#run) return;
    if (isAbsent(known)) {
      this.#fail(known.reason, `${this.#options.file} --help-query-gpu gave no answer`);
      return;
    }
    this.#loop(run, known);
  }

  async #askFields(): Promise<ReadonlySet<string> | Absence> {
    const result = await this.#ask('nvidia-smi help', ['--help-query-gpu']);
    if (result.kind !== 'done') return absent(reasonOf(result));
    const known = parseHelpQuery(result.stdout);
    if (known.size > 0) this.#known = known;
    return known;
  }

  #ask(kind: string, args: readonly string[]): Promise<CommandResult> {
    const { commands, file } = this.#options;
    return commands.run({ kind, file, args, timeoutMs: QUESTION_TIMEOUT_MS });
  }

  #loop(run: number, known: ReadonlySet<string>): void {
    const fields = this.#fieldsOf(known);
    const asked = fields.map(({ asked }) => asked);
    const canonical = fields.map(({ field }) => field);
    const assembler = new TickAssembler(canonical, this.#options.file, (rows) => {
      // A stand-in may print more than it was asked for: that is read too.
      const sheetOf = assembler.fields === canonical ? this.#askedSheetOf : createSheetReader(assembler.fields);
      this.#take(rows.map(sheetOf));
    });
    this.#assembler = assembler;
    this.#phase = 'looping';
    this.#startedMs = this.#aliveMs = this.#options.monotonicMs();
    this.#stream = this.#options.commands.stream({
      kind: KIND,
      file: this.#options.file,
      args: [`--query-gpu=${asked.join(',')}`, '--format=csv,nounits', `--loop-ms=${this.#options.intervalMs}`],
      onLine: (line) => {
        if (run === this.#run) assembler.add(line);
      },
      onEnd: (end) => {
        if (run === this.#run) this.#ended(end, assembler);
      },
    });
  }

  #fieldsOf(known: ReadonlySet<string>): readonly { readonly field: string; readonly asked: string }[] {
    const { fields } = this.#options;
    return fields.flatMap((field) => {
      const names = [field, olderNames.get(field) ?? field];
      const usable = names.filter((name) => !this.#refused.has(name));
      const asked = usable.find((name) => (known.size > 0 ? known.has(name) : coreFields.has(field)));
      return asked === undefined ? [] : [{ field, asked }];
    });
  }

  #take(sheets: readonly GpuSheet[]): void {
    const now = this.#options.monotonicMs();
    if (this.#failure) this.#options.log.info('nvidia-smi answers again');
    this.#failure = undefined;
    this.#aliveMs = now;
    this.#tick = { sheets, atMs: now };
    this.#report = undefined;
    if (this.#processesAskedMs === Number.NEGATIVE_INFINITY) void this.#askProcesses();
    else if (!this.#isCounting) this.#waiting.wake();
  }

  /** A driver without persistence mode may need long for its first word: each attempt is given more time than the last. */
  get #patienceMs(): number {
    const hasSpoken = this.#aliveMs > this.#startedMs;
    return hasSpoken ? this.#silenceMs : Math.min(LONGEST_START_MS, this.#silenceMs * 2 ** this.#restarts);
  }

  #endSilent(): void {
    const stream = this.#stream;
    // The end of a run that was given up says nothing more.
    this.#run++;
    this.#fail(this.#assembler?.sawGarbage ? 'malformed' : 'timed_out', SILENT);
    this.#kill(stream);
  }

  #ended(end: StreamEnd, assembler: TickAssembler): void {
    const message = [...assembler.messages, end.stderr.trim()].filter(Boolean).join(' ');
    if (end.exitCode === 0) assembler.flush();
    const refused = end.exitCode === 2 ? parseRefusedField(message) : undefined;
    if (refused !== undefined && !this.#refused.has(refused)) {
      // This driver is older than the field: asked for again at once without it.
      this.#refused.add(refused);
      this.#idle(0);
      this.keepRunning();
      return;
    }
    if (this.#tick && this.#tick.atMs >= this.#startedMs) {
      this.#options.log.warn('nvidia-smi ended', { exit: end.exitCode ?? end.reason, message });
      this.#idle(this.#backoffMs());
      return;
    }
    const garbage = assembler.sawGarbage && !end.exitCode;
    this.#fail(garbage ? 'malformed' : reasonOfEnd(end), message || 'nvidia-smi gave no GPU');
  }

  #fail(reason: AbsenceReason, message: string): void {
    if (this.#failure?.reason !== reason) this.#options.log.warn('no GPU readings', { reason, message });
    this.#failure = { reason, message };
    this.#processes = absent('timed_out');
    this.#processesAskedMs = Number.NEGATIVE_INFINITY;
    this.#idle(this.#backoffMs());
    this.#waiting.wake();
  }

  #idle(waitMs: number): void {
    this.#phase = 'idle';
    this.#stream = undefined;
    this.#retryMs = this.#options.monotonicMs() + waitMs;
  }

  #backoffMs(): number {
    const ranMs = this.#options.monotonicMs() - this.#startedMs;
    if (ranMs > HEALTHY_MS) this.#restarts = 0;
    return Math.min(LAST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** this.#restarts++);
  }
}

function processesOf(result: CommandResult): ReadonlyMap<string, readonly number[]> | Absence {
  if (result.kind !== 'done') return absent(reasonOf(result));
  return result.exitCode === 0 ? parseProcessIds(result.stdout) : absent(reasonOfExit(result.exitCode));
}

/** The short question tells no more. */
function processOf(pid: number): GpuProcessUse {
  return { pid, name: '', kind: 'compute', memoryBytes: absent('unsupported') };
}
