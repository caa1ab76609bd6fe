// Which source carries the node: the best that delivers. A lesser one is asked beside it when it fails or falls silent, and
// rests again once the better one has delivered for a while.
import type { GpuSource, SourceState } from '../../sources/gpu-source.ts';
import type { Log } from '../../log.ts';

/** A report older than this many ticks is late: the next source is asked too. */
const LATE_TICKS = 1.7;
/** A source may take this long to start before the next one is asked. */
const START_MS = 2500;
/** A better source must deliver this long before the lesser one rests. */
const TRUST_MS = 3000;

export interface CarrierOptions {
  /** Best first. */
  readonly sources: readonly GpuSource[];
  readonly intervalMs: number;
  readonly monotonicMs: () => number;
  /** Whether one of our children hangs in the driver now: then nobody else may ask it. */
  readonly driverHangs: () => boolean;
  readonly log: Log;
}

class Runner {
  readonly source: GpuSource;
  running = false;
  startedMs = 0;
  /** Since when it has delivered without a break. */
  goodMs: number | undefined;

  constructor(source: GpuSource) {
    this.source = source;
  }
}

type Health = 'good' | 'late' | 'starting' | 'bad';

export class Carrier {
  readonly #options: CarrierOptions;
  readonly #runners: readonly Runner[];
  #current: Runner | undefined;

  constructor(options: CarrierOptions) {
    this.#options = options;
    this.#runners = options.sources.map((source) => new Runner(source));
    this.#current = this.#runners[0];
  }

  /** The source whose reports count now; undefined where there is none at all. */
  get source(): GpuSource | undefined {
    return this.#current?.source;
  }

  /** Of the source that carries; where none delivers, what is known of why. */
  get state(): SourceState {
    const states = this.#runners.map(({ source }) => source.state);
    const current = this.#current?.source.state;
    if (current?.kind === 'delivering') return current;
    return (
      states.find(({ kind }) => kind === 'stuck') ??
      states.find(({ kind }) => kind === 'starting') ??
      states.find((state) => state.kind === 'failed' && state.reason !== 'not_present') ??
      states[0] ?? { kind: 'failed', reason: 'not_present', message: 'there is no way to ask for GPUs' }
    );
  }

  tick(): void {
    const nowMs = this.#options.monotonicMs();
    for (const runner of this.#runners) {
      if (!this.#run(runner, nowMs)) continue;
      const health = this.#healthOf(runner, nowMs);
      runner.goodMs = health === 'good' ? (runner.goodMs ?? nowMs) : undefined;
      if (health === 'good' && this.#isTrusted(runner, nowMs)) {
        this.#carry(runner);
        return;
      }
      if (health === 'starting' && !this.#isCarriedBelow(runner)) return;
    }
  }

  async settle(timeoutMs: number): Promise<void> {
    const startMs = this.#options.monotonicMs();
    for (const { source } of this.#runners) {
      this.tick();
      await source.settle(timeoutMs - (this.#options.monotonicMs() - startMs));
      if (source.state.kind === 'delivering') break;
    }
    this.tick();
  }

  stop(): void {
    for (const { source } of this.#runners) source.stop();
  }

  /** False while it may not be started. */
  #run(runner: Runner, nowMs: number): boolean {
    if (!runner.running) {
      if (asksDriver(runner.source) && this.#options.driverHangs()) return false;
      runner.running = true;
      runner.startedMs = nowMs;
    }
    runner.source.keepRunning();
    return true;
  }

  #healthOf({ source, startedMs }: Runner, nowMs: number): Health {
    const { state } = source;
    switch (state.kind) {
      case 'delivering':
        return nowMs - state.report.atMs <= LATE_TICKS * this.#options.intervalMs ? 'good' : 'late';
      case 'starting':
        return nowMs - startedMs <= START_MS ? 'starting' : 'bad';
      case 'failed':
      case 'stuck':
        return 'bad';
    }
  }

  /** It carries already, nobody else does, or it has been good for a while. */
  #isTrusted(runner: Runner, nowMs: number): boolean {
    if (runner === this.#current || !this.#isCarriedBelow(runner)) return true;
    return nowMs - (runner.goodMs ?? nowMs) >= TRUST_MS;
  }

  #isCarriedBelow(runner: Runner): boolean {
    const current = this.#current;
    if (!current || this.#runners.indexOf(current) <= this.#runners.indexOf(runner)) return false;
    return current.source.state.kind === 'delivering';
  }

  #carry(runner: Runner): void {
    if (runner !== this.#current) {
      const before = this.#current?.source;
      this.#current = runner;
      this.#options.log.warn('GPUs are read another way now', { by: runner.source.name, before: before?.name ?? '' });
    }
    for (const lesser of this.#runners.slice(this.#runners.indexOf(runner) + 1)) {
      if (!lesser.running) continue;
      lesser.running = false;
      lesser.goodMs = undefined;
      lesser.source.pause();
    }
  }
}

/** A dcgm-exporter is asked over HTTP: whatever hangs there is not ours. */
function asksDriver({ name }: GpuSource): boolean {
  return name !== 'dcgm_exporter';
}
