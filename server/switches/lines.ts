// The series of managed switches: whole families, without the label `node`. Of a switch that does not answer, that alone is left.
import { metricName, renderLinePrefix, rowOf, type SwitchMetricId } from '#agent/contract';
import type { SwitchPoller, SwitchReading } from './poller.ts';
import { guidOf, type SwitchWatch } from './watch.ts';

export interface SwitchFamily {
  readonly id: SwitchMetricId;
  readonly lines: readonly string[];
}

export class SwitchLines {
  readonly #watch: SwitchWatch;
  #generation = -1;
  #families: readonly SwitchFamily[] = [];

  constructor(watch: SwitchWatch) {
    this.#watch = watch;
  }

  /** Made again only after a reading. */
  families(): readonly SwitchFamily[] {
    const { generation, pollers } = this.#watch;
    if (generation !== this.#generation) {
      this.#generation = generation;
      this.#families = buildFamilies(pollers);
    }
    return this.#families;
  }
}

type Write = (id: SwitchMetricId, labels: readonly string[], value: number | undefined) => void;

function buildFamilies(pollers: readonly SwitchPoller[]): readonly SwitchFamily[] {
  const families = new Map<SwitchMetricId, string[]>();
  const write: Write = (id, labels, value) => {
    if (value === undefined || !Number.isFinite(value)) return;
    const { scale, labels: names } = rowOf(id);
    const prefix = renderLinePrefix(
      metricName(id),
      names,
      labels.map((label) => label.slice(0, MOST_CHARACTERS).toWellFormed()),
    );
    const line = `${prefix}${Math.round(value * scale) / scale}\n`;
    const lines = families.get(id);
    if (lines) lines.push(line);
    else families.set(id, [line]);
  };
  for (const poller of pollers) {
    const { isUp, reading } = poller;
    if (isUp === undefined) continue;
    write('switch_up', [guidOf(poller)], Number(isUp));
    if (isUp && reading) writeReading(poller, reading, write);
  }
  return [...families].map(([id, lines]) => ({ id, lines }));
}

const MOST_CHARACTERS = 128;

function writeReading(poller: SwitchPoller, reading: SwitchReading, write: Write): void {
  const guid = guidOf(poller);
  const { product, firmware, serial, uptimeSeconds } = reading.version;
  write('switch_info', [guid, poller.config.name, product, firmware, serial], 1);
  write('switch_uptime_seconds', [guid], uptimeSeconds);
  for (const { sensor, celsius } of unique(reading.temperatures, ({ sensor }) => sensor))
    write('switch_temperature_celsius', [guid, sensor], celsius);
  for (const { fan, rpm, isUp } of unique(reading.fans, ({ fan }) => fan)) {
    write('switch_fan_speed_rpm', [guid, fan], rpm);
    write('switch_fan_up', [guid, fan], isUp === undefined ? undefined : Number(isUp));
  }
  for (const { supply, watts, isUp } of unique(reading.supplies, ({ supply }) => supply)) {
    write('switch_power_supply_up', [guid, supply], isUp === undefined ? undefined : Number(isUp));
    write('switch_power_watts', [guid, supply], watts);
  }
}

/** A page with the same series twice would be refused. */
function unique<T>(all: readonly T[], nameOf: (one: T) => string): readonly T[] {
  return [...new Map(all.map((one) => [nameOf(one).slice(0, MOST_CHARACTERS), one])).values()];
}
