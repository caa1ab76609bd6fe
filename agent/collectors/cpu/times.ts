// Time of every CPU as it is shown: it does not run backwards where the kernel's own count does.
import { CPU_MODES, cpuModes, type ProcStat } from '../../parse/stat.ts';

const IDLE = cpuModes.indexOf('idle');
const IOWAIT = cpuModes.indexOf('iowait');

/** idle and iowait are known to step back a little (proc.rst 1.7); a longer step is a CPU that came back and counts anew. */
const RESET_TICKS = 300;

export class CpuTimes {
  #shown = new Float64Array(0);
  /** Share of the last interval that each CPU was busy; NaN where no time has passed. */
  #busy = new Float64Array(0);
  #seen: Uint8Array = new Uint8Array(0);
  #expected: readonly number[] = [];

  expect(online: readonly number[]): void {
    this.#expected = [...online];
  }

  /** False if other CPUs are online than expected. */
  update({ cpus, times }: ProcStat): boolean {
    if (times.length > this.#shown.length) this.#grow(times.length);
    for (const cpu of cpus) this.#updateOne(cpu, times);
    return cpus.length === this.#expected.length && cpus.every((cpu, index) => cpu === this.#expected[index]);
  }

  /** In hundredths of a second. A CPU that went offline keeps what it had. */
  ticks(cpu: number, mode: number): number {
    return this.#shown[cpu * CPU_MODES + mode] ?? 0;
  }

  busyRatio(cpu: number): number {
    return this.#busy[cpu] ?? Number.NaN;
  }

  #updateOne(cpu: number, times: Float64Array): void {
    const first = cpu * CPU_MODES;
    const shown = this.#shown;
    const restarted = (times[first + IDLE] ?? 0) < (shown[first + IDLE] ?? 0) - RESET_TICKS;
    let total = 0;
    let busy = 0;
    for (let mode = 0; mode < CPU_MODES; mode++) {
      const before = shown[first + mode] ?? 0;
      const read = times[first + mode] ?? 0;
      const now = restarted || read > before ? read : before;
      shown[first + mode] = now;
      total += now - before;
      if (mode !== IDLE && mode !== IOWAIT) busy += now - before;
    }
    this.#busy[cpu] = this.#seen[cpu] === 1 && total > 0 ? busy / total : Number.NaN;
    this.#seen[cpu] = 1;
  }

  #grow(length: number): void {
    this.#shown = copied(this.#shown, length);
    this.#busy = copied(this.#busy, length / CPU_MODES);
    const seen = new Uint8Array(length / CPU_MODES);
    seen.set(this.#seen);
    this.#seen = seen;
  }
}

function copied(from: Float64Array, length: number): Float64Array<ArrayBuffer> {
  const to = new Float64Array(length);
  to.set(from);
  return to;
}
