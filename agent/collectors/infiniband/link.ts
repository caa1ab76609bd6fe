// State, rate and width of a port, from ports/N/state, phys_state and rate.
import { absent, bytesPerSecond, isAbsent, type Absence, type Quantity } from '#agent/contract';
import { ParseError } from '../../parse/parse-error.ts';
import {
  dataGigabitsOf,
  isDoubtful,
  laneSpeedOf,
  parseInterfaceGigabits,
  parsePortRate,
  type PortRate,
} from '../../parse/infiniband-rate.ts';
import { ACTIVE, parsePortState, type PortState } from '../../parse/infiniband-state.ts';
import type { GaugeSeries, SeriesGroup } from '../../snapshot.ts';
import type { KeptFile, Tree } from '../../sources/tree.ts';
import type { PortFacts } from './facts.ts';
import type { PortSpeed } from './port-wait.ts';

const BYTES_PER_GIGABIT = 1e9 / 8;

export class PortLink {
  readonly #linkLayer: string;
  readonly #state: ParsedFile<PortState>;
  readonly #physicalState: ParsedFile<PortState>;
  readonly #rate: ParsedFile<PortRate>;
  readonly #interfaceSpeed: ParsedFile<number | undefined> | undefined;
  readonly #gauges: ReturnType<typeof gaugesOf>;
  #lanes: number | undefined;
  #speed: PortSpeed | undefined;

  constructor(tree: Tree, group: SeriesGroup, device: string, facts: PortFacts) {
    const { path, port, linkLayer, netPath } = facts;
    this.#linkLayer = linkLayer;
    this.#state = new ParsedFile(tree, `${path}/state`, parsePortState);
    this.#physicalState = new ParsedFile(tree, `${path}/phys_state`, parsePortState);
    this.#rate = new ParsedFile(tree, `${path}/rate`, parsePortRate);
    this.#interfaceSpeed =
      netPath === undefined ? undefined : new ParsedFile(tree, `${netPath}/speed`, parseInterfaceGigabits);
    this.#gauges = gaugesOf(group, { device, port });
  }

  /** While the port is active. */
  get lanes(): number | undefined {
    return this.#lanes;
  }

  /** While the port is active and its data rate is known. */
  get speed(): PortSpeed | undefined {
    return this.#speed;
  }

  read(): void {
    const state = this.#state.read();
    this.#gauges.state.put(mapped(state, ({ id }) => id));
    this.#gauges.physicalState.put(mapped(this.#physicalState.read(), ({ id }) => id));
    this.#readRate(state);
  }

  reopen(): void {
    for (const file of this.#files()) file.reopen();
  }

  close(): void {
    for (const file of this.#files()) file.close();
  }

  #files(): readonly Pick<ParsedFile<unknown>, 'reopen' | 'close'>[] {
    return [this.#state, this.#physicalState, this.#rate, ...(this.#interfaceSpeed ? [this.#interfaceSpeed] : [])];
  }

  /** A port that is down prints a low default in place of its rate. */
  #readRate(state: PortState | Absence): void {
    const inactive = isAbsent(state) ? state : state.id === ACTIVE ? undefined : absent('not_present');
    const rate = inactive ?? this.#rate.read();
    const neighbours = {
      linkLayer: this.#linkLayer,
      interfaceGigabits: !isAbsent(rate) && isDoubtful(rate) ? this.#interfaceGigabits() : undefined,
    };
    const data = mapped(rate, (known) => inBytes(dataGigabitsOf(known, neighbours)));
    const gauges = this.#gauges;
    gauges.rate.put(mapped(rate, ({ gigabitsPerSecond }) => inBytes(gigabitsPerSecond)));
    gauges.lanes.put(mapped(rate, ({ lanes }) => (this.#isMadeUp ? absent('unsupported') : lanes)));
    gauges.dataRate.put(data);
    gauges.laneRate.put(mapped(rate, (known) => inBytes(laneSpeedOf(known, neighbours)?.signalGigabits)));
    this.#lanes = isAbsent(rate) ? undefined : rate.lanes;
    this.#speed = isAbsent(rate) || isAbsent(data) ? undefined : { lanes: rate.lanes, dataBytesPerSecond: data };
  }

  /** What EFA prints is not what its links are. */
  get #isMadeUp(): boolean {
    return this.#linkLayer === 'Unspecified';
  }

  #interfaceGigabits(): number | undefined {
    const speed = this.#interfaceSpeed?.read();
    return isAbsent(speed) ? undefined : speed;
  }
}

function gaugesOf(group: SeriesGroup, labels: { readonly device: string; readonly port: string }) {
  return {
    state: group.gauge('infiniband_state_id', labels),
    physicalState: group.gauge('infiniband_physical_state_id', labels),
    rate: group.gauge('infiniband_rate_bytes_per_second', labels),
    dataRate: group.gauge('infiniband_data_rate_bytes_per_second', labels),
    lanes: group.gauge('infiniband_link_width_lanes', labels),
    laneRate: group.gauge('infiniband_link_lane_bytes_per_second', labels),
  } satisfies Record<string, GaugeSeries>;
}

/** A kept file of one line; the same text is parsed once. */
class ParsedFile<T> {
  readonly #tree: Tree;
  readonly #path: string;
  readonly #parse: (text: string, source: string) => T;
  #file: KeptFile;
  #text: string | undefined;
  #value: T | Absence = absent('not_present');

  constructor(tree: Tree, path: string, parse: (text: string, source: string) => T) {
    this.#tree = tree;
    this.#path = path;
    this.#parse = parse;
    this.#file = tree.file(path);
  }

  read(): T | Absence {
    const bytes = this.#file.read();
    if (isAbsent(bytes)) return bytes;
    const text = bytes.toString('latin1');
    if (text !== this.#text) {
      this.#text = text;
      this.#value = this.#parsed(text);
    }
    return this.#value;
  }

  reopen(): void {
    this.close();
    this.#file = this.#tree.file(this.#path);
  }

  close(): void {
    this.#file.close();
  }

  #parsed(text: string): T | Absence {
    try {
      return this.#parse(text, this.#path);
    } catch (error) {
      if (error instanceof ParseError) return absent('malformed');
      throw error;
    }
  }
}

function inBytes(gigabits: number | undefined): Quantity<'bytes_per_second'> | Absence {
  return gigabits === undefined ? absent('unsupported') : bytesPerSecond(gigabits * BYTES_PER_GIGABIT);
}

function mapped<T, R>(value: T | Absence, use: (value: T) => R | Absence): R | Absence {
  return isAbsent(value) ? value : use(value);
}
