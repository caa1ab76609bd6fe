// Pressure stall information of the host: /proc/pressure/*. Documentation/accounting/psi.rst.
// Of cpu only `some` is counted (system-wide `full` is always 0); irq has only `full`.
import { isAbsent, type Absence, type CounterId } from '#agent/contract';
import { PressureParser, type PressureTotals } from '../parse/pressure.ts';
import type { CounterSeries, SeriesGroup } from '../snapshot.ts';
import { AreaPresence } from './area.ts';
import type { Collector, CollectorContext, Reader, ReadLane, ReadResult } from './collector.ts';
import { ParsedFile } from './parsed-file.ts';

export const pressure: Collector = { area: 'pressure', start: (context) => new PressureReader(context) };

const DIRECTORY = 'proc/pressure';

interface Resource {
  readonly file: string;
  readonly some?: CounterId & `pressure_${string}`;
  readonly full?: CounterId & `pressure_${string}`;
}

const resources: readonly Resource[] = [
  { file: 'cpu', some: 'pressure_cpu_waiting_seconds_total' },
  { file: 'io', some: 'pressure_io_waiting_seconds_total', full: 'pressure_io_stalled_seconds_total' },
  { file: 'memory', some: 'pressure_memory_waiting_seconds_total', full: 'pressure_memory_stalled_seconds_total' },
  { file: 'irq', full: 'pressure_irq_stalled_seconds_total' },
];

class PressureReader implements Reader {
  readonly #context: CollectorContext;
  readonly #presence: AreaPresence;
  #group: SeriesGroup | undefined;
  #files: readonly PressureFile[] = [];

  constructor(context: CollectorContext) {
    this.#context = context;
    this.#presence = new AreaPresence('pressure', context);
  }

  discover(): void {
    const { tree, snapshot } = this.#context;
    const present = tree.exists(DIRECTORY);
    this.#presence.set(present ? undefined : 'unsupported', 'boot the kernel with psi=1 to have it counted');
    if (!present) this.#remove();
    else if (this.#group) for (const file of this.#files) file.reopen();
    else {
      const group = (this.#group = snapshot.group());
      this.#files = resources.map((resource) => new PressureFile(this.#context, group, resource));
    }
  }

  read(lane: ReadLane): ReadResult {
    if (lane === 'fast') for (const file of this.#files) file.read();
    return 'ok';
  }

  stop(): void {
    this.#remove();
    this.#presence.remove();
  }

  #remove(): void {
    for (const file of this.#files) file.close();
    this.#files = [];
    if (this.#group) this.#context.snapshot.remove(this.#group);
    this.#group = undefined;
  }
}

class PressureFile {
  readonly #file: ParsedFile<Readonly<PressureTotals>>;
  readonly #some: CounterSeries | undefined;
  readonly #full: CounterSeries | undefined;

  constructor(context: CollectorContext, group: SeriesGroup, { file, some, full }: Resource) {
    this.#file = new ParsedFile(context, `${DIRECTORY}/${file}`, new PressureParser());
    this.#some = some && group.counter(some, {});
    this.#full = full && group.counter(full, {});
  }

  read(): void {
    const totals = this.#file.read();
    if (isAbsent(totals)) this.#absent(totals);
    else {
      setTotal(this.#some, totals.some);
      setTotal(this.#full, totals.full);
    }
  }

  reopen(): void {
    this.#file.reopen();
  }

  close(): void {
    this.#file.close();
  }

  /** The directory is there: a file that is not is of a kernel that does not count it. */
  #absent({ reason }: Absence): void {
    const known = reason === 'not_present' ? 'unsupported' : reason;
    this.#some?.absent(known);
    this.#full?.absent(known);
  }
}

function setTotal(series: CounterSeries | undefined, microseconds: number | undefined): void {
  if (microseconds === undefined) series?.absent('unsupported');
  else series?.set(microseconds);
}
