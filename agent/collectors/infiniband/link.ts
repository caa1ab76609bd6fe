// State, rate and width of a port, from ports/N/state, phys_state and rate.
import { absent, bytesPerSecond, isAbsent, type Absence, type Quantity } from '#agent/contract';
import { ParseError } from '../../parse/parse-error.ts';
import { dataGigabitsOf, laneSpeedOf, parsePortRate } from '../../parse/infiniband-rate.ts';
import { ACTIVE, parsePortState, type PortState } from '../../parse/infiniband-state.ts';
import type { GaugeSeries, SeriesGroup } from '../../snapshot.ts';
import type { KeptFile, Tree } from '../../sources/tree.ts';
import type { PortFacts } from './facts.ts';

const BYTES_PER_GIGABIT = 1e9 / 8;

export class PortLink {
  readonly #linkLayer: string;
  readonly #files: Readonly<Record<'state' | 'phys_state' | 'rate', KeptFile>>;
  readonly #state: GaugeSeries<'none'>;
  readonly #physicalState: GaugeSeries<'none'>;
  readonly #rate: GaugeSeries<'bytes_per_second'>;
  readonly #dataRate: GaugeSeries<'bytes_per_second'>;
  readonly #lanes: GaugeSeries<'count'>;
  readonly #laneRate: GaugeSeries<'bytes_per_second'>;

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
    this.#state.put(mapped(state, ({ id }) => id));
    this.#physicalState.put(mapped(parsed(this.#files.phys_state, parsePortState), ({ id }) => id));
    this.#readRate(state);
  }

  close(): void {
    for (const file of Object.values(this.#files)) file.close();
  }

  /** A port that is down prints a low default in place of its rate. */
  #readRate(state: PortState | Absence): void {
    const active = isAbsent(state) ? state : state.id === ACTIVE ? undefined : absent('not_present');
    const rate = active ?? parsed(this.#files.rate, parsePortRate);
    this.#rate.put(mapped(rate, ({ gigabitsPerSecond }) => inBytes(gigabitsPerSecond)));
    this.#lanes.put(mapped(rate, ({ lanes }) => lanes));
    this.#dataRate.put(mapped(rate, (known) => inBytes(dataGigabitsOf(known, this.#linkLayer))));
    this.#laneRate.put(mapped(rate, (known) => inBytes(laneSpeedOf(known)?.signalGigabits)));
  }
}

function inBytes(gigabits: number | undefined): Quantity<'bytes_per_second'> | Absence {
  return gigabits === undefined ? absent('unsupported') : bytesPerSecond(gigabits * BYTES_PER_GIGABIT);
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

function mapped<T, R>(value: T | Absence, use: (value: T) => R | Absence): R | Absence {
  return isAbsent(value) ? value : use(value);
}
