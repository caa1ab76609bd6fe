// When what is read: ticks on the monotonic clock without drift, medium lane every 5 ticks, slow lane every 30.
import type { AreaReader } from './area-reader.ts';
import { SampleTime, type Clock } from './clock.ts';
import type { ReadLane } from './collectors/collector.ts';

const everyTicks = { fast: 1, medium: 5, slow: 30 } as const satisfies Record<ReadLane, number>;
const allLanes: readonly ReadLane[] = ['fast', 'medium', 'slow'];

export interface SchedulerOptions {
  readonly clock: Clock;
  readonly intervalMs: number;
  readonly readers: readonly AreaReader[];
  /** Called after every tick with the wall-clock time of its readings. */
  readonly onSample: (timeMs: number) => void;
}

export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #time: SampleTime;
  #startMs = 0;
  #tickIndex = 0;
  #due = allLanes;
  #cancel: (() => void) | undefined;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#time = new SampleTime(options.clock);
  }

  /** The first tick is now. */
  start(): void {
    this.#startMs = this.#options.clock.monotonicMs();
    this.#tick();
  }

  /** No tick comes any more; readers let go, those that hang are left behind. */
  async stop(): Promise<void> {
    this.#cancel?.();
    this.#cancel = undefined;
    await Promise.allSettled(this.#options.readers.map((reader) => reader.stop()));
  }

  /** One reading of every lane, waited for. Gives its wall-clock time. */
  async readAll(): Promise<number> {
    const { readers } = this.#options;
    const timeMs = this.#time.nowMs();
    for (const reader of readers) reader.tick(allLanes);
    await Promise.all(readers.map((reader) => reader.settled()));
    return timeMs;
  }

  #tick(): void {
    const timeMs = this.#time.nowMs();
    for (const reader of this.#options.readers) reader.tick(this.#due);
    this.#plan();
    this.#options.onSample(timeMs);
  }

  /** The next whole interval after the start. Ticks that were slept through are left out, never made up for. */
  #plan(): void {
    const { clock, intervalMs } = this.#options;
    const passedMs = clock.monotonicMs() - this.#startMs;
    const next = Math.max(this.#tickIndex + 1, Math.floor(passedMs / intervalMs) + 1);
    this.#due = lanesBetween(this.#tickIndex, next);
    this.#tickIndex = next;
    this.#cancel = clock.after(next * intervalMs - passedMs, () => {
      this.#tick();
    });
  }
}

/** The lanes whose turn came after one tick, up to another. */
function lanesBetween(last: number, next: number): readonly ReadLane[] {
  const passed = (every: number): boolean => Math.floor(next / every) > Math.floor(last / every);
  return allLanes.filter((lane) => passed(everyTicks[lane]));
}
