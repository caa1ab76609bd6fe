// Sweeps the subnet again and again: never two rounds at once, the last good one kept with its age.
import type { FabricSweep } from '#agent/contract';
import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import type { Sweeper } from './sweep.ts';
import { FabricUnreadable } from './unreadable.ts';

export interface FabricSweeperOptions {
  readonly sweeper: Sweeper;
  readonly clock: Clock;
  readonly log: Log;
  readonly intervalMs: number;
  readonly onSweep: (sweep: FabricSweep) => void;
}

export interface LastSweep {
  readonly sweep: FabricSweep;
  readonly ageMs: number;
  /** The round after it gave nothing. */
  readonly isStale: boolean;
}

/** A round that takes longer than the interval is not followed at once: others use the tools and the fabric too. */
const SHORTEST_PAUSE_MS = 1000;
/** After a round that gave nothing. */
const RETRY_MS = 60_000;

export class FabricSweeper {
  readonly #options: FabricSweeperOptions;
  #phase: 'new' | 'running' | 'stopped' = 'new';
  #cancel: (() => void) | undefined;
  #last: { readonly sweep: FabricSweep; readonly atMs: number } | undefined;
  #problem: string | undefined;

  constructor(options: FabricSweeperOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#phase !== 'new') return;
    this.#phase = 'running';
    this.#plan(0);
  }

  /** What is running is ended, and what it gives is not told any more. */
  stop(): void {
    this.#phase = 'stopped';
    this.#cancel?.();
    this.#options.sweeper.close();
  }

  get last(): LastSweep | undefined {
    if (!this.#last) return undefined;
    const { sweep, atMs } = this.#last;
    return { sweep, ageMs: this.#options.clock.monotonicMs() - atMs, isStale: this.#problem !== undefined };
  }

  #plan(delayMs: number): void {
    this.#cancel = this.#options.clock.after(delayMs, () => {
      void this.#round();
    });
  }

  async #round(): Promise<void> {
    const { sweeper, clock, intervalMs } = this.#options;
    const startMs = clock.monotonicMs();
    let pauseMs: number;
    try {
      this.#take(await sweeper.read());
      pauseMs = Math.max(SHORTEST_PAUSE_MS, intervalMs - (clock.monotonicMs() - startMs));
    } catch (error) {
      if (!(error instanceof FabricUnreadable)) throw error;
      this.#fail(error.message);
      pauseMs = Math.max(RETRY_MS, intervalMs);
    }
    if (this.#isRunning()) this.#plan(pauseMs);
  }

  #take(sweep: FabricSweep): void {
    if (!this.#isRunning()) return;
    const { log, clock, onSweep } = this.#options;
    if (!this.#last || this.#problem !== undefined)
      log.info('the fabric is read', { devices: sweep.devices.length, ports: sweep.ports.length });
    this.#problem = undefined;
    this.#last = { sweep, atMs: clock.monotonicMs() };
    onSweep(sweep);
  }

  #fail(problem: string): void {
    if (!this.#isRunning()) return;
    if (this.#problem !== problem) this.#options.log.warn(`the fabric cannot be read: ${problem}`);
    this.#problem = problem;
  }

  /** Asked again after every wait: it may have been stopped meanwhile. */
  #isRunning(): boolean {
    return this.#phase === 'running';
  }
}
