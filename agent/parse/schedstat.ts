// /proc/PID/schedstat and /proc/PID/task/TID/schedstat: nanoseconds on a CPU, nanoseconds waiting for one, times it ran.
// Documentation/scheduler/sched-stats.rst.
import { ByteCursor } from './bytes.ts';

export interface SchedStat {
  readonly runNs: number;
  readonly waitNs: number;
}

export class SchedStatParser {
  readonly #cursor = new ByteCursor();
  readonly #stat = { runNs: 0, waitNs: 0 };

  /** The same object each time. */
  parse(bytes: Buffer, source: string): SchedStat {
    this.#cursor.reset(bytes, source);
    this.#stat.runNs = this.#cursor.smallCount();
    this.#stat.waitNs = this.#cursor.smallCount();
    // A file that was cut would give a shorter number.
    this.#cursor.count();
    return this.#stat;
  }
}
