// Series of one GPU: the processes that hold it and their workers, added up.
import { absent, isAbsent, ratio, type Absence } from '#agent/contract';
import type { CounterSeries, GaugeSeries, SeriesGroup, Snapshot } from '../../snapshot.ts';
import type { GpuProcesses } from '../collector.ts';
import type { OwnerReading } from './owner.ts';
import { addTime, noTime, workerStates, type StateSeconds } from './worker-states.ts';

export interface OwnerState {
  readonly reading: OwnerReading;
  readonly workers: number;
}

const needsWaits: ReadonlySet<keyof StateSeconds> = new Set(['waiting', 'slack']);

export class GpuWorkers {
  readonly #snapshot: Snapshot;
  readonly #group: SeriesGroup;
  readonly #mainThread: GaugeSeries<'ratio'>;
  readonly #workers: GaugeSeries<'count'>;
  readonly #states: readonly (readonly [keyof StateSeconds, CounterSeries])[];
  #seconds: StateSeconds = noTime;
  #countsWaits = true;

  constructor(snapshot: Snapshot, { gpu, uuid, pci_bus_id }: GpuProcesses) {
    this.#snapshot = snapshot;
    const group = (this.#group = snapshot.group());
    const labels = { gpu, uuid, pci_bus_id };
    this.#mainThread = group.gauge('gpu_owner_main_thread_ratio', labels);
    this.#workers = group.gauge('gpu_workers', labels);
    this.#states = workerStates.map((state) => [
      state,
      group.counter('gpu_worker_seconds_total', { ...labels, state }),
    ]);
  }

  /** A GPU without processes has no workers; one whose processes cannot be seen has an unknown number of them. */
  show(owners: readonly OwnerState[]): void {
    const hidden = owners.find(({ reading }) => isAbsent(reading))?.reading;
    const seen = owners.flatMap(({ reading, workers }) => (isAbsent(reading) ? [] : [{ ...reading, workers }]));
    if (seen.length === 0 && hidden && isAbsent(hidden)) {
      this.#group.absent(hidden.reason);
      return;
    }
    for (const { time } of seen) this.#seconds = addTime(this.#seconds, time);
    this.#workers.set(seen.reduce((sum, { workers }) => sum + workers, 0));
    this.#mainThread.put(busiest(seen.map(({ mainThread }) => mainThread)));
    this.#countsWaits &&= seen.every(({ countsWaits }) => countsWaits);
    for (const [state, series] of this.#states) {
      if (this.#countsWaits || !needsWaits.has(state)) series.set(Math.round(this.#seconds[state] * series.row.scale));
      else series.absent('unsupported');
    }
  }

  remove(): void {
    this.#snapshot.remove(this.#group);
  }
}

function busiest(shares: readonly (number | undefined)[]): ReturnType<typeof ratio> | Absence {
  const known = shares.filter((share) => share !== undefined);
  return known.length === 0 ? absent('not_present') : ratio(Math.max(...known));
}
