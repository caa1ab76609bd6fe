// Profiling metrics from one long-lived `dcgmi dmon`, where a host engine runs already: none is ever started from here.
// Nothing here waits: whoever reads calls `keepRunning` on every tick of its own. DCGM user guide, "Profiling Metrics".
import type { AbsenceReason } from '#agent/contract';
import type { CommandRunner, CommandStream, StreamEnd } from '../command.ts';
import type { Log } from '../log.ts';
import { fieldsTogether, parseDiscovery, parseHierarchy, parseProfileList } from '../parse/gpu/dcgm-discovery.ts';
import { DmonTicks, type DmonNode } from '../parse/gpu/dcgm-dmon.ts';
import type { GpuSheet } from '../parse/gpu/sheet.ts';
import { ParseError } from '../parse/parse-error.ts';
import type { GpuReport, GpuSource, SourceState } from './gpu-source.ts';
import { reasonOf } from './nvidia-smi-reasons.ts';
import { Waiting } from './settled.ts';

const KIND = 'dcgmi';
const QUESTION_TIMEOUT_MS = 5000;
const LEAST_INTERVAL_MS = 100;
const LEAST_SILENCE_MS = 5000;
const FIRST_BACKOFF_MS = 1000;
const LAST_BACKOFF_MS = 60_000;
/** A stream that ran this long was healthy: the next restart is the first again. */
const HEALTHY_MS = 60_000;
/** A killed child that lives on this long hangs. */
const DYING_MS = 1000;

/** Most wanted first. */
const WANTED = [1002, 1004, 1005, 1001, 1003, 1011, 1012, 1009, 1010, 1006, 1007, 1008, 1016] as const;
/** One field that a GPU does not have fails all of them: these are asked for where the whole list was refused. */
const CORE: ReadonlySet<number> = new Set([1001, 1002, 1004, 1005]);

export interface DcgmiOptions {
  readonly commands: CommandRunner;
  readonly file: string;
  readonly intervalMs: number;
  readonly monotonicMs: () => number;
  readonly log: Log;
}

interface Failure {
  readonly reason: AbsenceReason;
  readonly message: string;
}

interface Watch extends DmonNode {
  readonly ids: readonly number[];
}

export class Dcgmi implements GpuSource {
  readonly name = 'dcgmi';
  readonly #options: DcgmiOptions;
  readonly #silenceMs: number;
  readonly #waiting = new Waiting();
  #phase: 'idle' | 'asking' | 'watching' | 'stopped' = 'idle';
  /** Answers and lines of an earlier run are not this one's. */
  #run = 0;
  #stream: CommandStream | undefined;
  #startedMs = 0;
  #aliveMs = 0;
  #killedMs = Number.NEGATIVE_INFINITY;
  #retryMs = Number.NEGATIVE_INFINITY;
  #restarts = 0;
  #coreOnly = false;
  #report: GpuReport | undefined;
  #failure: Failure | undefined;

  constructor(options: DcgmiOptions) {
    this.#options = options;
    this.#silenceMs = Math.max(LEAST_SILENCE_MS, 3 * options.intervalMs);
  }

  get state(): SourceState {
    const now = this.#options.monotonicMs();
    const pid = this.#options.commands.stuckPid(KIND);
    if (pid !== undefined && now - this.#killedMs > DYING_MS) return { kind: 'stuck', pid };
    const report = this.#report;
    if (report && now - report.atMs <= this.#silenceMs) return { kind: 'delivering', report };
    if (this.#failure) return { kind: 'failed', ...this.#failure };
    return report ? { kind: 'failed', reason: 'timed_out', message: 'dcgmi has fallen silent' } : { kind: 'starting' };
  }

  keepRunning(): void {
    const now = this.#options.monotonicMs();
    if (this.#phase === 'idle' && now >= this.#retryMs) void this.#begin(++this.#run);
    if (this.#phase === 'watching' && now - this.#aliveMs > this.#silenceMs) this.#endSilent();
  }

  async settle(timeoutMs: number): Promise<void> {
    if (this.state.kind === 'starting') await this.#waiting.wait(timeoutMs);
  }

  pause(): void {
    if (this.#phase !== 'stopped') this.#phase = 'idle';
    this.#run++;
    this.#kill();
    this.#report = undefined;
  }

  stop(): void {
    this.#phase = 'stopped';
    this.#run++;
    this.#kill();
    this.#report = undefined;
    this.#waiting.wake();
  }

  async #begin(run: number): Promise<void> {
    this.#phase = 'asking';
    const watch = await this.#discover();
    if (run !== this.#run) return;
    if ('reason' in watch) this.#fail(watch);
    else this.#watch(run, watch);
  }

  async #discover(): Promise<Watch | Failure> {
    const found = await this.#ask(['discovery', '-l']);
    if (typeof found !== 'string') return found;
    try {
      const gpus = parseDiscovery(found, 'dcgmi discovery -l');
      if (gpus.length === 0) return { reason: 'not_present', message: 'the host engine knows no GPU' };
      const hierarchy = await this.#ask(['discovery', '-c']);
      const profiled = await this.#ask(['profile', '-l', '-i', gpus[0]?.id ?? '0']);
      if (typeof profiled !== 'string') return profiled;
      const ids = fieldsTogether(WANTED, parseProfileList(profiled)).filter((id) => !this.#coreOnly || CORE.has(id));
      if (ids.length === 0) return failureSaid(profiled, 'unsupported');
      return { gpus, instances: typeof hierarchy === 'string' ? parseHierarchy(hierarchy) : [], ids };
    } catch (error) {
      if (!(error instanceof ParseError)) throw error;
      return { reason: 'malformed', message: error.message };
    }
  }

  async #ask(args: readonly string[]): Promise<string | Failure> {
    const { commands, file } = this.#options;
    const result = await commands.run({ kind: KIND, file, args, timeoutMs: QUESTION_TIMEOUT_MS });
    if (result.kind !== 'done') return { reason: reasonOf(result), message: `dcgmi ${args.join(' ')}: ${result.kind}` };
    return result.exitCode === 0 ? result.stdout : failureSaid(`${result.stdout}\n${result.stderr}`, 'not_present');
  }

  #watch(run: number, watch: Watch): void {
    const { commands, file, intervalMs, monotonicMs } = this.#options;
    const ticks = new DmonTicks(watch.ids, watch);
    const entities = [...watch.gpus.map(({ id }) => id), ...watch.instances.map(({ entity }) => `i:${entity}`)];
    const delayMs = Math.max(LEAST_INTERVAL_MS, Math.round(intervalMs));
    this.#phase = 'watching';
    this.#startedMs = monotonicMs();
    this.#aliveMs = this.#startedMs;
    this.#stream = commands.stream({
      kind: KIND,
      file,
      args: ['dmon', '-e', watch.ids.join(','), '-d', String(delayMs), '-i', entities.join(',')],
      onLine: (line) => {
        if (run !== this.#run) return;
        const sheets = ticks.add(line);
        if (sheets) this.#deliver(sheets);
      },
      onEnd: (end) => {
        if (run === this.#run) this.#ended(end, ticks.messages);
      },
    });
  }

  #deliver(sheets: readonly GpuSheet[]): void {
    const now = this.#options.monotonicMs();
    this.#aliveMs = now;
    this.#report = { sheets, atMs: now };
    if (this.#failure) this.#options.log.info('dcgmi delivers again');
    this.#failure = undefined;
    this.#waiting.wake();
  }

  #endSilent(): void {
    this.#run++;
    this.#kill();
    this.#fail({ reason: 'timed_out', message: 'dcgmi has fallen silent' });
  }

  #ended(end: StreamEnd, messages: readonly string[]): void {
    this.#stream = undefined;
    const said = [...messages, end.stderr].join('\n').trim();
    const refused = said.includes('Error setting watches');
    if (this.#options.monotonicMs() - this.#startedMs > HEALTHY_MS) this.#restarts = 0;
    this.#fail(failureSaid(said === '' ? `dcgmi dmon ended: ${end.reason}` : said, reasonOfSilentEnd(end)));
    if (!refused || this.#coreOnly) return;
    this.#coreOnly = true;
    this.#retryMs = Number.NEGATIVE_INFINITY;
  }

  #fail(failure: Failure): void {
    this.#phase = 'idle';
    this.#retryMs =
      this.#options.monotonicMs() + Math.min(LAST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** Math.min(this.#restarts, 16));
    this.#restarts++;
    if (this.#failure?.message !== failure.message)
      this.#options.log.warn('no profiling metrics from dcgmi', { ...failure });
    this.#failure = failure;
    this.#waiting.wake();
  }

  #kill(): void {
    if (!this.#stream) return;
    this.#killedMs = this.#options.monotonicMs();
    this.#stream.stop();
    this.#stream = undefined;
  }
}

/** Why, from the tool's own words; they come on standard output as well as on standard error. */
function failureSaid(said: string, otherwise: AbsenceReason): Failure {
  const line = said.split('\n').find((one) => /error|unable|not /i.test(one)) ?? said;
  return { reason: reasonSaid(said) ?? otherwise, message: line.trim().slice(0, 200) || 'dcgmi says nothing' };
}

function reasonSaid(said: string): AbsenceReason | undefined {
  if (/running as root|permission|privilege/i.test(said)) return 'forbidden';
  if (
    /unable to connect|unable to establish a connection|connection (?:invalid|is not valid)|host engine connection/i.test(
      said,
    )
  )
    return 'not_present';
  if (/not supported|not currently loaded|profiling module|newer driver/i.test(said)) return 'unsupported';
  return undefined;
}

function reasonOfSilentEnd({ reason, stderr }: StreamEnd): AbsenceReason {
  switch (reason) {
    case 'not_started':
      return /EACCES|EPERM/.test(stderr) ? 'forbidden' : 'not_present';
    case 'exited':
    case 'line_too_long':
      return 'malformed';
    case 'killed':
    case 'stopped':
    case 'stuck':
      return 'timed_out';
  }
}
