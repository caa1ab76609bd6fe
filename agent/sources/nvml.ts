// GPUs through NVML, read by a child process that a sick driver may hang or crash. Authority: nvml.h.
import type { AbsenceReason } from '#agent/contract';
import { fileURLToPath } from 'node:url';
import type { CommandRunner } from '../command.ts';
import type { Log } from '../log.ts';
import type { XidEvent } from '../parse/gpu/xid-event.ts';
import type { GpuReport, GpuSource, SourceState } from './gpu-source.ts';
import type { ReaderOptions } from './nvml/lines.ts';
import { monotonicMs as kernelMonotonicMs } from './nvml/monotonic.ts';
import { Waiting } from './settled.ts';
import { Sheets } from './nvml/sheets.ts';
import { Supervisor } from './nvml/supervisor.ts';

const LEAST_SILENCE_MS = 5000;
/** The layout of 16 GPUs of a kind is 22 KiB; of 16 different ones 400. */
const LINE_BYTES = 1024 * 1024;
/** What runs once a second gains nothing from compilers that need 10 MiB; the one that needs none saves a quarter of the time. */
const NODE_FLAGS = [
  '--max-semi-space-size=1',
  '--max-old-space-size=32',
  '--single-threaded',
  '--no-opt',
  '--no-maglev',
  '--always-sparkplug',
];

/** How long before our tick the child's is, as a share of the interval: longer than it takes. */
const LEAD = 0.3;

export interface NvmlOptions {
  readonly commands: CommandRunner;
  /** `gpuReaderProgram()` */
  readonly program: string;
  /** libnvidia-ml.so.1, by name or path. */
  readonly library: string;
  readonly intervalMs: number;
  readonly monotonicMs: () => number;
  readonly log: Log;
  readonly onXid: (event: XidEvent) => void;
  /** Whether each process is told, or only how many there are. */
  readonly processes: boolean;
}

export class Nvml implements GpuSource {
  readonly name = 'nvml';
  readonly #options: NvmlOptions;
  readonly #silenceMs: number;
  readonly #supervisor: Supervisor;
  readonly #waiting = new Waiting();
  #sheets = new Sheets();
  #report: GpuReport | undefined;
  #failure: { readonly reason: AbsenceReason; readonly message: string } | undefined;
  /** Lines that the child did not mean: libraries print. */
  #garbage = 0;
  #askedAtMs = 0;

  constructor(options: NvmlOptions) {
    const { commands, intervalMs, monotonicMs } = options;
    this.#options = options;
    this.#silenceMs = Math.max(LEAST_SILENCE_MS, 3 * intervalMs);
    this.#supervisor = new Supervisor({
      commands,
      kind: 'gpu',
      program: () => ({
        file: process.execPath,
        args: [...NODE_FLAGS, options.program, JSON.stringify(this.#given())],
        maxLineBytes: LINE_BYTES,
      }),
      silenceMs: this.#silenceMs,
      monotonicMs,
      onLine: (line) => {
        this.#take(line);
      },
      onDown: (reason, message) => {
        this.#down(reason, message);
      },
    });
  }

  get state(): SourceState {
    const stuckPid = this.#supervisor.stuckPid;
    if (stuckPid !== undefined) return { kind: 'stuck', pid: stuckPid };
    const isFresh = this.#report && this.#options.monotonicMs() - this.#report.atMs <= this.#silenceMs;
    if (this.#report && isFresh) return { kind: 'delivering', report: this.#report };
    if (this.#failure) return { kind: 'failed', ...this.#failure };
    return this.#report ? { kind: 'failed', reason: 'timed_out', message: 'NVML is silent' } : { kind: 'starting' };
  }

  get garbageLines(): number {
    return this.#garbage;
  }

  keepRunning(): void {
    this.#askedAtMs = kernelMonotonicMs();
    this.#supervisor.keepRunning();
  }

  async settle(timeoutMs: number): Promise<void> {
    if (this.state.kind !== 'starting') return;
    await this.#waiting.wait(timeoutMs);
  }

  pause(): void {
    this.#supervisor.pause();
    this.#forget();
  }

  stop(): void {
    this.#supervisor.stop();
    this.#forget();
    this.#waiting.wake();
  }

  /** The child reads a little before we do: what it found is then fresh and never older by a whole interval. */
  #given(): ReaderOptions {
    const { library, intervalMs, processes } = this.#options;
    const phaseMs = (this.#askedAtMs - LEAD * intervalMs) % intervalMs;
    return { library, intervalMs, phaseMs, processes };
  }

  #take(line: string): void {
    const taken = this.#sheets.take(line);
    switch (taken.kind) {
      case 'values':
        this.#deliver();
        return;
      case 'xid':
        this.#options.onXid(taken.event);
        return;
      case 'error':
        // It ends by itself, but not if the driver holds it up.
        this.#report = undefined;
        this.#supervisor.giveUp(taken.reason, taken.message);
        return;
      case 'garbage':
        if (this.#garbage++ === 0) this.#options.log.warn('something prints into the GPU readings', { line });
        return;
      case 'layout':
      case 'empty':
        return;
    }
  }

  #deliver(): void {
    if (this.#failure) this.#options.log.info('NVML answers again');
    this.#failure = undefined;
    this.#supervisor.heard();
    this.#report = { sheets: this.#sheets.sheets, atMs: this.#options.monotonicMs() };
    this.#waiting.wake();
  }

  /** A report is kept while it is fresh: after a crash the next child is there within that time. */
  #down(reason: AbsenceReason, message: string): void {
    if (this.#failure?.message !== message) this.#options.log.warn('NVML gives no readings', { reason, message });
    this.#failure = { reason, message };
    this.#sheets = new Sheets();
    this.#waiting.wake();
  }

  #forget(): void {
    this.#sheets = new Sheets();
    this.#report = undefined;
    this.#failure = undefined;
  }
}

/** Beside the bundle's entry, or the source where we run from source. */
export function gpuReaderProgram(): string {
  const here = import.meta.url;
  if (here.endsWith('.ts')) return fileURLToPath(new URL('../probe/gpu-reader.ts', here));
  return fileURLToPath(new URL(here.includes('/chunks/') ? '../gpu-reader.js' : 'gpu-reader.js', here));
}
