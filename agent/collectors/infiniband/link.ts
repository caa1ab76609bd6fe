// State, rate and width of a port, from ports/N/state, phys_state and rate.
import { absent, isAbsent, type Absence } from '#agent/contract';
import { ParseError } from '../../parse/parse-error.ts';
import { dataGigabitsOf, laneSpeedOf, parsePortRate, type PortRate } from '../../parse/infiniband-rate.ts';
import { ACTIVE, parsePortState, type PortState } from '../../parse/infiniband-state.ts';
import type { GaugeSeries, SeriesGroup } from '../../snapshot.ts';
import type { KeptFile, Tree } from '../../sources/tree.ts';
import type { PortFacts } from './facts.ts';

const BYTES_PER_GIGABIT = 1e9 / 8;

export class PortLink {
  readonly #linkLayer: string;
  readonly #files: Readonly<Record<'state' | 'phys_state' | 'rate', KeptFile>>;
  readonly #state: GaugeSeries;
  readonly #physicalState: GaugeSeries;
  readonly #rate: GaugeSeries;
  readonly #dataRate: GaugeSeries;
  readonly #lanes: GaugeSeries;
  readonly #laneRate: GaugeSeries;

  constructor(tree: Tree, group: SeriesGroup, device: string, facts: PortFacts) {
    const labels = { device, port: facts.port };
    const file = (name: string): KeptFile => tree.file(`${facts.path}/${name}`);
    this.#linkLayer = facts.linkLayer;
    this.#files = { state: file('state'), phys_state: file('phys_state'), rate: file('rate') };
    this.#state = group.gauge('infiniband_state_id', labels);
    this.#physicalState = group.gauge('infiniband_physical_state_id', labels);
    this.#rate = group.gauge('infiniband_rate_bytes_per_second', labels);
    this.#dataRate = group.gauge('infiniband_data_rate_bytes_per_second', labels);
    this.#lanes = group.gauge('infiniband_link_width_lanes', labels);
    this.#laneRate = group.gauge('infiniband_link_lane_bytes_per_second', labels);
  }

  read(): void {
    const state = parsed(this.#files.state, parsePortState);
    put(
      this.#state,
      mapped(state, ({ id }) => id),
    );
    put(
      this.#physicalState,
      mapped(parsed(this.#files.phys_state, parsePortState), ({ id }) => id),
    );
    this.#readRate(state);
  }

  close(): void {
    for (const file of Object.values(this.#files)) file.close();
  }

  /** A port that is down prints a low default in place of its rate. */
  #readRate(state: PortState | Absence): void {
    const active = isAbsent(state) ? state : state.id === ACTIVE ? undefined : absent('not_present');
    const rate = active ?? parsed(this.#files.rate, parsePortRate);
    put(this.#rate, mapped(rate, gigabytesOf));
    put(
      this.#lanes,
      mapped(rate, ({ lanes }) => lanes),
    );
    put(
      this.#dataRate,
      mapped(rate, (known) => inBytes(dataGigabitsOf(known, this.#linkLayer))),
    );
    put(
      this.#laneRate,
      mapped(rate, (known) => inBytes(laneSpeedOf(known)?.signalGigabits)),
    );
  }
}

function gigabytesOf(rate: PortRate): number {
  return rate.gigabitsPerSecond * BYTES_PER_GIGABIT;
}

function inBytes(gigabits: number | undefined): number | Absence {
  return gigabits === undefined ? absent('unsupported') : gigabits * BYTES_PER_GIGABIT;
}

function parsed<T>(file: KeptFile, parse: (text: string, source: string) => T): T | Absence {
  const bytes = file.read();
  if (isAbsent(bytes)) return bytes;
  try {
    return parse(bytes.toString('utf8'), file.path);
  } catch (error) {
    if (error instanceof ParseError) return absent('malformed');
    throw error;
  }
}

function mapped<T>(value: T | Absence, use: (value: T) => number | Absence): number | Absence {
  return isAbsent(value) ? value : use(value);
}

function put(series: GaugeSeries, value: number | Absence): void {
  if (isAbsent(value)) series.absent(value.reason);
  else series.set(value);
}
