// Series of the health of one drive, from its SMART log. NVM Express base specification, log page 02h.
import { absent, celsius, isAbsent, ratio, type Absence, type AbsenceReason, type Steps } from '#agent/contract';
import type { SmartLog } from '../../parse/nvme-smart.ts';
import type { CounterSeries, GaugeSeries, SeriesGroup } from '../../snapshot.ts';
import type { SmartAnswer } from './smart.ts';

/** By bit. */
const warnings = ['spare', 'temperature', 'reliability', 'read_only', 'volatile_backup', 'pmr_read_only'] as const;

const ratios = [
  ['nvme_used_ratio', (log: SmartLog) => log.percentUsed],
  ['nvme_available_spare_ratio', (log: SmartLog) => log.spare],
  ['nvme_available_spare_threshold_ratio', (log: SmartLog) => log.spareThreshold],
] as const;

const counters = [
  ['nvme_host_read_bytes_total', (log: SmartLog) => log.readBytes],
  ['nvme_host_written_bytes_total', (log: SmartLog) => log.writtenBytes],
  ['nvme_media_errors_total', (log: SmartLog) => log.mediaErrors],
  ['nvme_error_log_entries_total', (log: SmartLog) => log.errorLogEntries],
  ['nvme_unsafe_shutdowns_total', (log: SmartLog) => log.unsafeShutdowns],
  ['nvme_power_cycles_total', (log: SmartLog) => log.powerCycles],
  ['nvme_power_on_seconds_total', (log: SmartLog) => log.powerOnSeconds],
  ['nvme_controller_busy_seconds_total', (log: SmartLog) => log.busySeconds],
] as const;

export class DriveHealth {
  readonly #group: SeriesGroup;
  readonly #controller: string;
  readonly #warnings: readonly GaugeSeries<'boolean'>[];
  readonly #ratios: readonly (readonly [GaugeSeries<'ratio'>, (log: SmartLog) => number | Absence])[];
  readonly #counters: readonly (readonly [CounterSeries, (log: SmartLog) => Steps | Absence])[];
  /** undefined where hwmon tells it: every half minute and not every ten. */
  readonly #composite: GaugeSeries<'celsius'> | undefined;
  readonly #sensors = new Map<number, GaugeSeries<'celsius'>>();

  constructor(group: SeriesGroup, controller: string, { tellsComposite }: { readonly tellsComposite: boolean }) {
    this.#group = group;
    this.#controller = controller;
    this.#warnings = warnings.map((kind) => group.gauge('nvme_critical_warning', { controller, kind }));
    this.#ratios = ratios.map(([id, of]) => [group.gauge(id, { controller }), of]);
    this.#counters = counters.map(([id, of]) => [group.counter(id, { controller }), of]);
    this.#composite = tellsComposite ? this.#temperature('composite') : undefined;
  }

  set(answer: SmartAnswer): void {
    switch (answer.kind) {
      case 'log':
        this.#setLog(answer.log);
        return;
      case 'none':
        this.#absent(answer.reason);
        return;
    }
  }

  #setLog(log: SmartLog): void {
    const { criticalWarning } = log;
    for (const [bit, series] of this.#warnings.entries()) {
      series.put(isAbsent(criticalWarning) ? criticalWarning : (criticalWarning >> bit) & 1);
    }
    for (const [series, of] of this.#ratios) {
      const percent = of(log);
      series.put(isAbsent(percent) ? percent : ratio(percent / 100));
    }
    for (const [series, of] of this.#counters) {
      const value = of(log);
      if (isAbsent(value)) series.absent(value.reason);
      else series.set(value);
    }
    this.#composite?.put(isAbsent(log.celsius) ? log.celsius : celsius(log.celsius));
    this.#setSensors(log.sensorsCelsius);
  }

  /** Which sensors a drive has shows in its log. */
  #setSensors(told: ReadonlyMap<number, number>): void {
    for (const sensor of told.keys()) {
      if (!this.#sensors.has(sensor)) this.#sensors.set(sensor, this.#temperature(String(sensor)));
    }
    for (const [sensor, series] of this.#sensors) {
      const degrees = told.get(sensor);
      series.put(degrees === undefined ? absent('unsupported') : celsius(degrees));
    }
  }

  #temperature(sensor: string): GaugeSeries<'celsius'> {
    return this.#group.gauge('nvme_temperature_celsius', { controller: this.#controller, sensor });
  }

  #absent(reason: AbsenceReason): void {
    for (const series of this.#warnings) series.absent(reason);
    for (const [series] of [...this.#ratios, ...this.#counters]) series.absent(reason);
    this.#composite?.absent(reason);
    for (const series of this.#sensors.values()) series.absent(reason);
  }
}
