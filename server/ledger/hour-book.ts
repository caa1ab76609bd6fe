// Where the time went, hour by hour: whole milliseconds by GPU, job, class and owner. What is of the present hour travels with the
// ledger's snapshot, so that both are of one moment; an hour that is over goes to a file of its own.
import type { AccountName, Booking } from './account.ts';
import { partsOfKey, type BookKey } from './book-key.ts';

export const HOUR_MS = 3_600_000;

export interface Cell {
  readonly node: string;
  readonly gpu: string;
  readonly uuid: string;
  /** Empty for nobody, or nobody knows. */
  readonly job: string;
  readonly user: string;
  readonly account: string;
  readonly partition: string;
  readonly key: BookKey;
  readonly ms: number;
}

/** The hours that are not on disk yet, as the snapshot holds them. */
export type OpenHours = readonly (readonly [hourMs: number, cells: readonly Cell[]])[];

interface Counted {
  readonly cell: Omit<Cell, 'ms'>;
  ms: number;
}

export class HourBook {
  readonly #hours = new Map<number, Map<string, Counted>>();

  readonly #filed: (hourMs: number) => readonly Cell[];

  /** `filed` gives what is in the file of an hour: time that is booked late is added to it. */
  constructor(saved: OpenHours = [], filed: (hourMs: number) => readonly Cell[] = () => []) {
    this.#filed = filed;
    // The snapshot holds all of its hours, also of one whose file was written before the end.
    for (const [hourMs, cells] of saved) {
      this.#hours.set(hourMs, new Map());
      for (const cell of cells) this.#add(hourMs, cell, cell.ms);
    }
  }

  /** Time that passes midnight of an hour is put down in parts. */
  add({ node, gpu, uuid }: AccountName, { key, ms, fromMs, job }: Booking): void {
    const who = {
      job: job?.id ?? '',
      user: job?.user ?? '',
      account: job?.account ?? '',
      partition: job?.partition ?? '',
    };
    let rest = ms;
    let atMs = fromMs;
    // A slot is within one hour; only long silence goes over several.
    while (rest > 0) {
      const hourMs = Math.floor(atMs / HOUR_MS) * HOUR_MS;
      const part = Math.min(rest, hourMs + HOUR_MS - atMs);
      this.#add(hourMs, { node, gpu, uuid, ...who, key }, part);
      rest -= part;
      atMs += part;
    }
  }

  get open(): OpenHours {
    return [...this.#hours.keys()].map((hourMs) => [hourMs, this.cellsOf(hourMs)] as const);
  }

  cellsOf(hourMs: number): readonly Cell[] {
    return [...(this.#hours.get(hourMs)?.values() ?? [])].map(({ cell, ms }) => ({ ...cell, ms }));
  }

  /** Hours that ended before this and will not grow any more. */
  endedBefore(ms: number): readonly number[] {
    return [...this.#hours.keys()].filter((hourMs) => hourMs + HOUR_MS <= ms);
  }

  forget(hourMs: number): void {
    this.#hours.delete(hourMs);
  }

  #add(hourMs: number, cell: Omit<Cell, 'ms'>, ms: number): void {
    let hour = this.#hours.get(hourMs);
    if (!hour) {
      hour = new Map<string, Counted>();
      this.#hours.set(hourMs, hour);
      for (const filed of this.#filed(hourMs)) this.#add(hourMs, filed, filed.ms);
    }
    const id = [cell.node, cell.uuid, cell.gpu, cell.job, cell.key].join('\n');
    const known = hour.get(id);
    if (known) known.ms += ms;
    else hour.set(id, { cell, ms });
  }
}

export type Dimension = 'class' | 'owner' | 'node' | 'gpu' | 'job' | 'user' | 'account' | 'partition';

export const dimensions: readonly Dimension[] = [
  ...(['class', 'owner', 'node', 'gpu', 'job', 'user', 'account', 'partition'] as const),
];

export function valueOf(cell: Cell, dimension: Dimension): string {
  switch (dimension) {
    case 'class':
      return partsOfKey(cell.key).class;
    case 'owner':
      return partsOfKey(cell.key).owner;
    case 'gpu':
      return `${cell.node}/${cell.gpu}`;
    default:
      return cell[dimension];
  }
}

export interface Sum {
  readonly by: Readonly<Partial<Record<Dimension, string>>>;
  readonly ms: number;
}

/** The largest first. */
export function sumUp(cells: Iterable<Cell>, by: readonly Dimension[]): readonly Sum[] {
  const sums = new Map<string, { by: Record<string, string>; ms: number }>();
  for (const cell of cells) {
    const values = by.map((dimension) => valueOf(cell, dimension));
    const id = values.join('\n');
    const known = sums.get(id);
    if (known) known.ms += cell.ms;
    else
      sums.set(id, { by: Object.fromEntries(by.map((dimension, at) => [dimension, values[at] ?? ''])), ms: cell.ms });
  }
  return [...sums.values()].sort((a, b) => b.ms - a.ms);
}
