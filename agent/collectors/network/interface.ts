// One network interface: its eight counters, its speed and whether it is up.
import {
  absent,
  bytesPerSecond,
  isAbsent,
  type Absence,
  type AbsenceReason,
  type CounterId,
  type Quantity,
} from '#agent/contract';
import type { NetDevLine } from '../../parse/net-dev.ts';
import type { CounterSeries, GaugeSeries, SeriesGroup } from '../../snapshot.ts';
import type { Tree } from '../../sources/tree.ts';
import type { CollectorContext } from '../collector.ts';

const BYTES_PER_MEGABIT = 1e6 / 8;

/** Counters by their column in /proc/net/dev. */
const columns = [
  [0, 'network_receive_bytes_total'],
  [1, 'network_receive_packets_total'],
  [2, 'network_receive_errs_total'],
  [3, 'network_receive_drop_total'],
  [8, 'network_transmit_bytes_total'],
  [9, 'network_transmit_packets_total'],
  [10, 'network_transmit_errs_total'],
  [11, 'network_transmit_drop_total'],
] as const satisfies readonly (readonly [number, CounterId])[];

export class NetworkInterface {
  readonly name: string;
  /** Number of the pass in which the file last had a line of it. */
  lastReading = 0;
  readonly #context: CollectorContext;
  readonly #nameBytes: Buffer;
  readonly #group: SeriesGroup;
  readonly #counters: readonly (readonly [number, CounterSeries])[];
  readonly #up: GaugeSeries<'boolean'>;
  #speed: GaugeSeries<'bytes_per_second'> | undefined;

  constructor(context: CollectorContext, name: string) {
    this.name = name;
    this.#context = context;
    this.#nameBytes = Buffer.from(name);
    const group = (this.#group = context.snapshot.group());
    this.#counters = columns.map(([column, id]) => [column, group.counter(id, { device: name })]);
    this.#up = group.gauge('network_up', { device: name });
  }

  isNamedAs(line: NetDevLine): boolean {
    return line.isNamed(this.#nameBytes);
  }

  set({ fields }: NetDevLine, reading: number): void {
    this.lastReading = reading;
    for (const [column, series] of this.#counters) {
      const value = fields[column];
      if (value === undefined) series.absent('malformed');
      else series.set(value);
    }
  }

  readState(): void {
    const path = `sys/class/net/${this.name}`;
    this.#up.put(readUp(this.#context.tree, path));
    const speed = readSpeed(this.#context.tree, path);
    if (!isAbsent(speed)) this.#speed ??= this.#group.gauge('network_speed_bytes_per_second', { device: this.name });
    this.#speed?.put(speed);
  }

  absent(reason: AbsenceReason): void {
    this.#group.absent(reason);
  }

  remove(): void {
    this.#context.snapshot.remove(this.#group);
  }
}

function readUp(tree: Tree, path: string): number | Absence {
  const state = tree.text(`${path}/operstate`);
  if (isAbsent(state)) return state;
  // Drivers that do not follow the state say unknown; the carrier then tells.
  const word = state.trim();
  if (word !== 'unknown') return word === 'up' ? 1 : 0;
  const carrier = tree.word(`${path}/carrier`);
  return carrier === undefined ? absent('unsupported') : carrier === '1' ? 1 : 0;
}

/** Physical interfaces and bonds; a link that is down or a driver that does not know says -1 or refuses. */
function readSpeed(tree: Tree, path: string): Quantity<'bytes_per_second'> | Absence {
  if (!tree.exists(`${path}/device`) && !tree.exists(`${path}/bonding`)) return absent('unsupported');
  const megabits = tree.text(`${path}/speed`);
  if (isAbsent(megabits)) return megabits;
  // The kernel prints what the driver says, and some say 2^32 - 1.
  const known = /^[1-9]\d{0,8}$/.test(megabits.trim());
  return known ? bytesPerSecond(Number(megabits) * BYTES_PER_MEGABIT) : absent('unsupported');
}
