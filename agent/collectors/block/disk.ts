// Counters of one leaf disk from sys/block/DEV/stat. Documentation/block/stat.rst.
import { absent, bytes, isAbsent, type Absence, type AbsenceReason, type CounterId, type Steps } from '#agent/contract';
import type { BlockStatParser } from '../../parse/block-stat.ts';
import { DiskstatsParser } from '../../parse/diskstats.ts';
import { times } from '../../parse/steps.ts';
import type { CounterSeries, GaugeSeries, SeriesGroup } from '../../snapshot.ts';
import type { CollectorContext } from '../collector.ts';
import { ParsedFile } from '../parsed-file.ts';
import type { DiskFacts } from './facts.ts';
import type { LeafDisk } from './graph.ts';
import { PathCounts } from './path-counts.ts';

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
  readonly #facts: DiskFacts;
  readonly #files: readonly ParsedFile<readonly Steps[]>[];
  /** Of a multipath disk. */
  readonly #paths: PathCounts | undefined;
  readonly #group: SeriesGroup;
  readonly #counters: readonly { readonly field: number; readonly series: CounterSeries; readonly factor: number }[];
  readonly #inFlight: GaugeSeries<'count'>;
  readonly #size: GaugeSeries<'bytes'>;

  constructor(
    context: CollectorContext,
    parser: BlockStatParser,
    { disk, facts, before }: { disk: LeafDisk; facts: DiskFacts; before: Disk | undefined },
  ) {
    this.signature = signatureOf(disk, facts);
    this.#context = context;
    this.#facts = facts;
    this.#sizePath = `${disk.path}/size`;
    this.#files = disk.counted.map(({ name, path, table }) =>
      table === undefined
        ? new ParsedFile(context, `${path}/stat`, parser)
        : new ParsedFile(context, table, new DiskstatsParser(name)),
    );
    const paths = disk.counted.flatMap(({ path }, index) => {
      const file = this.#files[index];
      return file ? [{ path, file }] : [];
    });
    this.#paths = isMultipath(disk) ? new PathCounts(paths, before?.carryTo(disk, facts)) : undefined;
    const group = (this.#group = context.snapshot.group());
    const device = disk.name;
    group.info('disk_info', facts);
    this.#counters = counters.map(([field, id, factor]) => ({ field, series: group.counter(id, { device }), factor }));
    this.#inFlight = group.gauge('disk_io_now', { device });
    this.#size = group.gauge('disk_size_bytes', { device });
  }

  /** False if the disk, or a path to it, is gone. */
  readStat(): boolean {
    const fields = this.#readFields();
    if (isAbsent(fields)) {
      this.#absent(fields.reason);
      return fields.reason !== 'not_present';
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

  /** What this disk with other paths has to count on from; another drive under the same name has nothing of it. */
  carryTo({ counted }: LeafDisk, { serial, wwid }: DiskFacts): readonly Steps[] | undefined {
    if (serial !== this.#facts.serial || wwid !== this.#facts.wwid) return undefined;
    return this.#paths?.carryTo(counted.map(({ path }) => path));
  }

  /** A disk that left and came back under the same name is another file. */
  reopen(): void {
    for (const file of this.#files) file.reopen();
  }

  remove(): void {
    for (const file of this.#files) file.close();
    this.#context.snapshot.remove(this.#group);
  }

  #readFields(): readonly Steps[] | Absence {
    return (this.#paths ?? this.#files[0])?.read() ?? absent('not_present');
  }

  #absent(reason: AbsenceReason): void {
    for (const { series } of this.#counters) series.absent(reason);
    this.#inFlight.absent(reason);
  }
}

function isMultipath({ name, counted }: LeafDisk): boolean {
  return counted.some((one) => one.name !== name);
}

export function signatureOf(disk: LeafDisk, facts: DiskFacts): string {
  return JSON.stringify([disk.counted.map(({ path }) => path), facts]);
}
