// Temperatures and fans of the host: sys/class/hwmon/hwmon*/{temp,fan}*_input of chips that are plain to read.
// Documentation/hwmon/sysfs-interface.rst: thousandths of a degree, revolutions per minute. Limits are not read at all.
import { absent, celsius, isAbsent, rpm, type Absence, type Amount, type Quantity } from '#agent/contract';
import { parseInteger } from '../parse/bytes.ts';
import type { GaugeSeries, SeriesGroup } from '../snapshot.ts';
import { AreaPresence } from './area.ts';
import type { Collector, CollectorContext, Reader, ReadLane, ReadResult } from './collector.ts';
import { findSensors, listChips, type Sensor } from './hwmon/chips.ts';
import { ParsedFile } from './parsed-file.ts';

export const hwmon: Collector = { area: 'hwmon', start: (context) => new HwmonReader(context) };

const MILLIDEGREES = 1000;
/** What lies outside is a pin without a sensor or a register that was not set. */
const COLDEST = -60;
const HOTTEST = 200;
const FASTEST_RPM = 100_000;

class HwmonReader implements Reader {
  readonly #context: CollectorContext;
  readonly #presence: AreaPresence;
  #listed = '';
  #group: SeriesGroup | undefined;
  #sensors: readonly ReadableSensor[] = [];

  constructor(context: CollectorContext) {
    this.#context = context;
    this.#presence = new AreaPresence('hwmon', context);
  }

  discover(): void {
    const chips = listChips(this.#context.tree);
    // A chip does not change its sensors: they are looked for again only when a chip came or went.
    const listed = JSON.stringify(chips);
    if (listed === this.#listed) return;
    this.#listed = listed;
    const { sensors, leftAlone } = findSensors(this.#context.tree, chips);
    this.#replace(sensors);
    const reason = leftAlone.length > 0 ? 'unsupported' : 'not_present';
    this.#presence.set(sensors.length > 0 ? undefined : reason, leftAlone.join(' '));
  }

  read(lane: ReadLane): ReadResult {
    if (lane !== 'slow') return 'ok';
    const there = this.#sensors.map((sensor) => sensor.read());
    if (!there.includes(false)) return 'ok';
    this.#listed = '';
    return 'rediscover';
  }

  stop(): void {
    this.#replace([]);
    this.#presence.remove();
  }

  #replace(sensors: readonly Sensor[]): void {
    for (const sensor of this.#sensors) sensor.close();
    if (this.#group) this.#context.snapshot.remove(this.#group);
    const group = sensors.length > 0 ? this.#context.snapshot.group() : undefined;
    this.#group = group;
    this.#sensors = group ? sensors.map((sensor) => readable(this.#context, group, sensor)) : [];
  }
}

/** One sensor: false if it is gone. */
interface ReadableSensor {
  read(): boolean;
  close(): void;
}

function readable(context: CollectorContext, group: SeriesGroup, { kind, chip, sensor, path }: Sensor): ReadableSensor {
  const file = new ParsedFile(context, path, { parse: parseInteger });
  const labels = { chip, sensor };
  switch (kind) {
    case 'temp':
      return sensorOf(file, group.gauge('hwmon_temperature_celsius', labels), temperature);
    case 'fan':
      return sensorOf(file, group.gauge('hwmon_fan_rpm', labels), speed);
  }
}

function sensorOf<U extends 'celsius' | 'rpm'>(
  file: ParsedFile<number>,
  series: GaugeSeries<U>,
  convert: (raw: number) => Amount<U> | Absence,
): ReadableSensor {
  return {
    read: () => {
      const raw = file.read();
      series.put(isAbsent(raw) ? raw : convert(raw));
      return !isAbsent(raw) || raw.reason !== 'not_present';
    },
    close: () => {
      file.close();
    },
  };
}

function temperature(raw: number): Quantity<'celsius'> | Absence {
  const degrees = raw / MILLIDEGREES;
  return degrees > COLDEST && degrees < HOTTEST ? celsius(degrees) : absent('malformed');
}

function speed(raw: number): Quantity<'rpm'> | Absence {
  return raw >= 0 && raw < FASTEST_RPM ? rpm(raw) : absent('malformed');
}
