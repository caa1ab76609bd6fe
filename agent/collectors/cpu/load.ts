// Processes that run and wait, and the load averages of the host.
import { isAbsent, type Absence } from '#agent/contract';
import type { ProcStat } from '../../parse/stat.ts';
import type { GaugeSeries, SeriesGroup } from '../../snapshot.ts';

export class HostLoad {
  readonly group: SeriesGroup;
  readonly #running: GaugeSeries;
  readonly #blocked: GaugeSeries;
  readonly #averages: readonly GaugeSeries[];

  constructor(group: SeriesGroup) {
    this.group = group;
    this.#running = group.gauge('procs_running', {});
    this.#blocked = group.gauge('procs_blocked', {});
    this.#averages = [group.gauge('load1', {}), group.gauge('load5', {}), group.gauge('load15', {})];
  }

  setProcesses(stat: ProcStat | Absence): void {
    setOr(this.#running, isAbsent(stat) ? stat : stat.running);
    setOr(this.#blocked, isAbsent(stat) ? stat : stat.blocked);
  }

  setAverages(averages: readonly number[] | Absence): void {
    for (const [index, series] of this.#averages.entries()) {
      setOr(series, isAbsent(averages) ? averages : averages[index]);
    }
  }
}

function setOr(series: GaugeSeries, value: number | Absence | undefined): void {
  if (value === undefined) series.absent('unsupported');
  else if (isAbsent(value)) series.absent(value.reason);
  else series.set(value);
}
