// Series of one GPFS file system.
import type { GpfsFilesystem } from '../../parse/mmpmon.ts';
import type { CounterSeries, SeriesGroup } from '../../snapshot.ts';

const operations = [
  ['open', (counts: GpfsFilesystem) => counts.opens],
  ['close', (counts: GpfsFilesystem) => counts.closes],
  ['read', (counts: GpfsFilesystem) => counts.reads],
  ['write', (counts: GpfsFilesystem) => counts.writes],
] as const;

export class GpfsSeries {
  readonly group: SeriesGroup;
  readonly #read: CounterSeries;
  readonly #written: CounterSeries;
  readonly #operations: readonly (readonly [CounterSeries, (typeof operations)[number][1]])[];

  constructor(group: SeriesGroup, filesystem: string) {
    this.group = group;
    this.#read = group.counter('gpfs_read_bytes_total', { filesystem });
    this.#written = group.counter('gpfs_written_bytes_total', { filesystem });
    this.#operations = operations.map(([operation, of]) => [
      group.counter('gpfs_operations_total', { filesystem, operation }),
      of,
    ]);
  }

  set(counts: GpfsFilesystem): void {
    this.#read.set(counts.readBytes);
    this.#written.set(counts.writtenBytes);
    for (const [series, of] of this.#operations) series.set(of(counts));
  }
}
