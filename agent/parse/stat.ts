// /proc/stat: time of every CPU, processes, boot time. Documentation/filesystems/proc.rst 1.7.
import { ByteCursor } from './bytes.ts';

/** Columns of a CPU's line. guest and guest_nice, which follow, are already inside user and nice. */
export const cpuModes = ['user', 'nice', 'system', 'idle', 'iowait', 'irq', 'softirq', 'steal'] as const;
export const CPU_MODES = cpuModes.length;

/** Filled by each pass; `times[cpu * CPU_MODES + mode]` in hundredths of a second. */
export class ProcStat {
  /** Numbers of the CPUs that are online, in the order of the file. */
  readonly cpus: number[] = [];
  times = new Float64Array(0);
  running: number | undefined;
  blocked: number | undefined;
  bootSeconds: number | undefined;
}

const cpuWord = Buffer.from('cpu');
const btimeWord = Buffer.from('btime ');
const runningWord = Buffer.from('procs_running ');
const blockedWord = Buffer.from('procs_blocked ');
const MAX_CPU = 65_535;

export class ProcStatParser {
  readonly #cursor = new ByteCursor();
  readonly #stat = new ProcStat();

  /** The result is the same object each time. */
  parse(bytes: Buffer, source: string): ProcStat {
    const cursor = this.#cursor;
    const stat = this.#stat;
    cursor.reset(bytes, source);
    stat.cpus.length = 0;
    stat.running = stat.blocked = stat.bootSeconds = undefined;
    while (!cursor.isAtEnd) {
      this.#line();
      cursor.nextLine();
    }
    if (stat.cpus.length === 0) {
      cursor.at = 0;
      cursor.fail('a line for every CPU');
    }
    return stat;
  }

  #line(): void {
    const cursor = this.#cursor;
    if (cursor.take(cpuWord)) this.#cpuLine();
    else if (cursor.take(runningWord)) this.#stat.running = cursor.smallCount();
    else if (cursor.take(blockedWord)) this.#stat.blocked = cursor.smallCount();
    else if (cursor.take(btimeWord)) this.#stat.bootSeconds = cursor.smallCount();
  }

  /** The line without a number is the sum of the others. */
  #cpuLine(): void {
    const cursor = this.#cursor;
    const before = cursor.at;
    cursor.skipBlanks();
    if (cursor.at !== before) return;
    const cpu = cursor.smallCount();
    if (cpu > MAX_CPU) cursor.fail('the number of a CPU');
    this.#reserve(cpu);
    const { times, cpus } = this.#stat;
    cpus.push(cpu);
    const first = cpu * CPU_MODES;
    for (let mode = 0; mode < CPU_MODES; mode++) {
      // Kernels before 2.6.11 have no steal.
      times[first + mode] = cursor.isAtLineEnd() ? 0 : cursor.smallCount();
    }
  }

  #reserve(cpu: number): void {
    const needed = (cpu + 1) * CPU_MODES;
    if (needed <= this.#stat.times.length) return;
    const grown = new Float64Array(Math.max(needed, this.#stat.times.length * 2));
    grown.set(this.#stat.times);
    this.#stat.times = grown;
  }
}
