// Counters of one leaf disk from sys/block/DEV/stat. Documentation/block/stat.rst.
import { bytes, isAbsent, type AbsenceReason, type CounterId, type Steps } from '#agent/contract';
import type { BlockStatParser } from '../../parse/block-stat.ts';
import { DiskstatsParser } from '../../parse/diskstats.ts';
import { plus, times } from '../../parse/steps.ts';
import type { CounterSeries, GaugeSeries, SeriesGroup } from '../../snapshot.ts';
import type { CollectorContext } from '../collector.ts';
import { ParsedFile } from '../parsed-file.ts';
import type { DiskFacts } from './facts.ts';
import type { LeafDisk } from './graph.ts';

/** A sector is 512 bytes here, whatever the disk's own block size. */
const SECTOR = 512;
const IN_FLIGHT = 8;

/** Counters by their field, counted from 0, and steps per unit of the field. Times are in milliseconds. */
const counters = [
  [0, 'disk_reads_completed_total', 1],
  [1, 'disk_reads_merged_total', 1],
  [2, 'disk_read_bytes_total', SECTOR],
  [3, 'disk_read_time_seconds_total', 1],
  [4, 'disk_writes_completed_total', 1],
  [5, 'disk_writes_merged_total', 1],
  [6, 'disk_written_bytes_total', SECTOR],
  [7, 'disk_write_time_seconds_total', 1],
  [9, 'disk_io_time_seconds_total', 1],
  [10, 'disk_io_time_weighted_seconds_total', 1],
  [11, 'disk_discards_completed_total', 1],
  [13, 'disk_discarded_bytes_total', SECTOR],
  [14, 'disk_discard_time_seconds_total', 1],
  [15, 'disk_flush_requests_total', 1],
  [16, 'disk_flush_requests_time_seconds_total', 1],
] as const satisfies readonly (readonly [number, CounterId, number])[];

export class Disk {
  readonly signature: string;
  readonly #context: CollectorContext;
  readonly #sizePath: string;
  readonly #files: readonly ParsedFile<readonly Steps[]>[];
  readonly #group: SeriesGroup;
  readonly #counters: readonly { readonly field: number; readonly series: CounterSeries; readonly factor: number }[];
  readonly #inFlight: GaugeSeries<'count'>;
  readonly #size: GaugeSeries<'bytes'>;

  constructor(
    context: CollectorContext,
    parser: BlockStatParser,
    { disk, facts }: { disk: LeafDisk; facts: DiskFacts },
  ) {
    this.signature = signatureOf(disk, facts);
    this.#context = context;
    this.#sizePath = `${disk.path}/size`;
    this.#files = disk.counted.map(({ name, path, table }) =>
      table === undefined
        ? new ParsedFile(context, `${path}/stat`, parser)
        : new ParsedFile(context, table, new DiskstatsParser(name)),
    );
    const group = (this.#group = context.snapshot.group());
    const device = disk.name;
    group.info('disk_info', facts);
    this.#counters = counters.map(([field, id, factor]) => ({ field, series: group.counter(id, { device }), factor }));
    this.#inFlight = group.gauge('disk_io_now', { device });
    this.#size = group.gauge('disk_size_bytes', { device });
  }

  /** False if the disk, or a path to it, is gone. */
  readStat(): boolean {
    const fields = this.#files.length === 1 ? this.#files[0]?.read() : this.#sum();
    if (fields === undefined || isAbsent(fields)) {
      const reason = fields?.reason ?? 'not_present';
      this.#absent(reason);
      return reason !== 'not_present';
    }
    for (const { field, series, factor } of this.#counters) {
      const value = fields[field];
      // Older kernels end the line earlier.
      if (value === undefined) series.absent('unsupported');
      else series.set(factor === 1 ? value : times(value, factor));
    }
    this.#inFlight.set(Number(fields[IN_FLIGHT]));
    return true;
  }

  readSize(): void {
    const text = this.#context.tree.text(this.#sizePath);
    if (isAbsent(text)) this.#size.absent(text.reason);
    else this.#size.set(bytes(/^\d+\s*$/.test(text) ? Number(text) * SECTOR : Number.NaN));
  }

  /** A disk that left and came back under the same name is another file. */
  reopen(): void {
    for (const file of this.#files) file.reopen();
  }

  remove(): void {
    for (const file of this.#files) file.close();
    this.#context.snapshot.remove(this.#group);
  }

  #sum(): readonly Steps[] | { readonly kind: 'absent'; readonly reason: AbsenceReason } {
    let sum: readonly Steps[] | undefined;
    for (const file of this.#files) {
      const fields = file.read();
      if (isAbsent(fields)) return fields;
      sum = sum ? sum.map((value, index) => plus(value, fields[index] ?? 0)) : [...fields];
    }
    return sum ?? [];
  }

  #absent(reason: AbsenceReason): void {
    for (const { series } of this.#counters) series.absent(reason);
    this.#inFlight.absent(reason);
  }
}

export function signatureOf(disk: LeafDisk, facts: DiskFacts): string {
  return JSON.stringify([disk.counted.map(({ path }) => path), facts]);
}
