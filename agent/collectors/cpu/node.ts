// Series of the CPUs of one NUMA node, added up; of the single CPUs only the busiest is kept.
import { ratio } from '#agent/contract';
import { cpuModes } from '../../parse/stat.ts';
import type { CounterSeries, GaugeSeries, SeriesGroup } from '../../snapshot.ts';
import type { CpuTimes } from './times.ts';

export class CpuNode {
  readonly group: SeriesGroup;
  readonly #modes: readonly CounterSeries[];
  readonly #count: GaugeSeries<'count'>;
  readonly #busiest: GaugeSeries<'ratio'>;
  /** Those offline too: the sum would fall without what they had. */
  readonly #known = new Set<number>();
  #online: readonly number[] = [];

  constructor(group: SeriesGroup, numaNode: string) {
    this.group = group;
    this.#modes = cpuModes.map((mode) => group.counter('cpu_seconds_total', { numa_node: numaNode, mode }));
    this.#count = group.gauge('cpus', { numa_node: numaNode });
    this.#busiest = group.gauge('cpu_busiest_ratio', { numa_node: numaNode });
  }

  setOnline(cpus: readonly number[]): void {
    this.#online = cpus;
    for (const cpu of cpus) this.#known.add(cpu);
    this.#count.set(cpus.length);
  }

  update(times: CpuTimes): void {
    for (const [mode, series] of this.#modes.entries()) {
      let sum = 0;
      for (const cpu of this.#known) sum += times.ticks(cpu, mode);
      series.set(sum);
    }
    this.#count.set(this.#online.length);
    let busiest = Number.NaN;
    for (const cpu of this.#online) {
      const busy = times.busyRatio(cpu);
      if (!(busy <= busiest) && !Number.isNaN(busy)) busiest = busy;
    }
    // Read twice within one hundredth of a second, the last ratio still stands.
    if (!Number.isNaN(busiest)) this.#busiest.set(ratio(busiest));
  }
}
