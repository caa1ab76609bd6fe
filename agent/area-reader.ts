// One collector under the scheduler's care: what is due, what is late, what failed, and the series that say so.
import { seconds, type AbsenceReason, type Area } from '#agent/contract';
import type { Clock } from './clock.ts';
import type { Reader, ReadLane } from './collectors/collector.ts';
import type { Log } from './log.ts';
import type { CounterSeries, GaugeSeries, Snapshot } from './snapshot.ts';

const lanes: readonly ReadLane[] = ['fast', 'medium', 'slow'];
const DISCOVER_EVERY_MS = 60_000;
/** A device that comes and goes must not cost a discovery each tick. */
const REDISCOVER_AFTER_MS = 5000;

export interface AreaReaderOptions {
  readonly area: Area;
  readonly reader: Reader;
  readonly snapshot: Snapshot;
  readonly clock: Clock;
  /** A reading that takes longer is given up. */
  readonly deadlineMs: number;
  readonly log: Log;
}

interface Pending {
  readonly sinceMs: number;
  readonly done: Promise<void>;
  givenUp: boolean;
}

export class AreaReader {
  readonly area: Area;
  readonly #options: AreaReaderOptions;
  readonly #up: GaugeSeries<'boolean'>;
  readonly #seconds: GaugeSeries<'seconds'>;
  readonly #overruns: CounterSeries;
  readonly #timeouts: CounterSeries;
  readonly #due = new Set<ReadLane>();
  #overrunCount = 0;
  #timeoutCount = 0;
  #rediscover = true;
  #discoveredMs = Number.NEGATIVE_INFINITY;
  #pending: Pending | undefined;
  #failure: string | undefined;

  constructor(options: AreaReaderOptions) {
    const { area, snapshot } = options;
    this.area = area;
    this.#options = options;
    const group = snapshot.group();
    this.#up = group.gauge('collector_up', { area });
    this.#seconds = group.gauge('collector_seconds', { area });
    this.#overruns = group.counter('collector_overruns_total', { area });
    this.#timeouts = group.counter('collector_timeouts_total', { area });
    this.#overruns.set(0);
    this.#timeouts.set(0);
  }

  /** Reads what is due. What is late is not started a second time; its lanes stay due. */
  tick(due: readonly ReadLane[]): void {
    for (const lane of due) this.#due.add(lane);
    if (this.#pending) {
      this.#overruns.set(++this.#overrunCount);
      this.#checkDeadline(this.#pending);
      return;
    }
    const startedMs = this.#options.clock.monotonicMs();
    try {
      const rest = this.#run(this.#steps(startedMs));
      if (rest) this.#wait(rest, startedMs);
      else this.#succeed(startedMs);
    } catch (error) {
      this.#fail(error, startedMs);
    }
  }

  /** The next tick finds the devices anew, however short ago that was. */
  rediscover(): void {
    this.#discoveredMs = Number.NEGATIVE_INFINITY;
  }

  /** Resolves when nothing is under way any more, at the latest at the deadline. */
  async settled(): Promise<void> {
    const pending = this.#pending;
    if (!pending) return;
    const leftMs = pending.sinceMs + this.#options.deadlineMs - this.#options.clock.monotonicMs();
    await new Promise<void>((resolve) => {
      const cancel = this.#options.clock.after(Math.max(0, leftMs), () => {
        this.#checkDeadline(pending);
        resolve();
      });
      void pending.done.then(() => {
        cancel();
        resolve();
      });
    });
  }

  async stop(): Promise<void> {
    await this.#options.reader.stop();
  }

  #steps(nowMs: number): Step[] {
    const { reader } = this.#options;
    const sinceMs = nowMs - this.#discoveredMs;
    const steps: Step[] = [];
    if (sinceMs >= DISCOVER_EVERY_MS || (this.#rediscover && sinceMs >= REDISCOVER_AFTER_MS)) {
      this.#discoveredMs = nowMs;
      this.#rediscover = false;
      steps.push(() => reader.discover());
    }
    for (const lane of lanes) {
      if (this.#due.delete(lane)) steps.push(() => reader.read(lane));
    }
    return steps;
  }

  /** Takes the steps one after another; gives a promise only where a step gave one. */
  #run(steps: Step[]): Promise<void> | undefined {
    for (let step = steps.shift(); step; step = steps.shift()) {
      const result = step();
      if (result instanceof Promise) return this.#runOn(result, steps);
      if (result === 'rediscover') this.#rediscover = true;
    }
    return undefined;
  }

  async #runOn(before: Promise<unknown>, steps: Step[]): Promise<void> {
    if ((await before) === 'rediscover') this.#rediscover = true;
    await this.#run(steps);
  }

  #wait(rest: Promise<void>, startedMs: number): void {
    const done = rest.then(
      () => {
        this.#pending = undefined;
        this.#succeed(startedMs);
      },
      (error: unknown) => {
        this.#pending = undefined;
        this.#fail(error, startedMs);
      },
    );
    this.#pending = { sinceMs: startedMs, done, givenUp: false };
  }

  #checkDeadline(pending: Pending): void {
    const { clock, deadlineMs, log, area } = this.#options;
    if (pending.givenUp || clock.monotonicMs() - pending.sinceMs < deadlineMs) return;
    pending.givenUp = true;
    this.#timeouts.set(++this.#timeoutCount);
    this.#lose('timed_out');
    if (this.#failure !== 'timed out') log.warn(`${area} does not answer`, { after_s: deadlineMs / 1000 });
    this.#failure = 'timed out';
  }

  #succeed(startedMs: number): void {
    const { clock, log, area } = this.#options;
    this.#up.set(1);
    this.#seconds.set(seconds((clock.monotonicMs() - startedMs) / 1000));
    if (this.#failure !== undefined) log.info(`${area} can be read again`);
    this.#failure = undefined;
  }

  #fail(error: unknown, startedMs: number): void {
    const { clock, log, area } = this.#options;
    const reason = error instanceof Error ? error.message : String(error);
    this.#seconds.set(seconds((clock.monotonicMs() - startedMs) / 1000));
    this.#lose('malformed');
    this.#rediscover = true;
    if (this.#failure !== reason) log.warn(`${area} cannot be read`, { reason });
    this.#failure = reason;
  }

  /** Old values must not look like readings; whatever lane they are of, the next tick reads them again. */
  #lose(reason: AbsenceReason): void {
    this.#up.set(0);
    for (const series of this.#options.snapshot.series) {
      if (series.row.area === this.area && series.row.kind !== 'info') series.absent(reason);
    }
    for (const lane of lanes) this.#due.add(lane);
  }
}

/** Gives a ReadResult, nothing, or a promise of either. */
type Step = () => unknown;
