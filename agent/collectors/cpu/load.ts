// Processes that run and wait, and the load averages of the host.
import { absent, isAbsent, type Absence } from '#agent/contract';
import type { ProcStat } from '../../parse/stat.ts';
import type { GaugeSeries, SeriesGroup } from '../../snapshot.ts';

export class HostLoad {
  readonly group: SeriesGroup;
  readonly #running: GaugeSeries<'count'>;
  readonly #blocked: GaugeSeries<'count'>;
  readonly #averages: readonly GaugeSeries<'none'>[];

  constructor(group: SeriesGroup) {
    this.group = group;
    this.#running = group.gauge('procs_running', {});
    this.#blocked = group.gauge('procs_blocked', {});
    this.#averages = [group.gauge('load1', {}), group.gauge('load5', {}), group.gauge('load15', {})];
  }

  setProcesses(stat: ProcStat | Absence): void {
    this.#running.put(isAbsent(stat) ? stat : (stat.running ?? absent('unsupported')));
    this.#blocked.put(isAbsent(stat) ? stat : (stat.blocked ?? absent('unsupported')));
  }

  setAverages(averages: readonly number[] | Absence): void {
    for (const [index, series] of this.#averages.entries()) {
      series.put(isAbsent(averages) ? averages : (averages[index] ?? absent('unsupported')));
    }
  }
}
