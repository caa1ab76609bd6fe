// Series of one NFS file system.
import { absent, isAbsent, type Absence, type Steps } from '#agent/contract';
import type { NfsMount, NfsOperation, NfsOperationCounts } from '../../parse/mountstats.ts';
import type { CounterSeries, SeriesGroup } from '../../snapshot.ts';

const ofOperation = [
  ['nfs_operations_total', (counts: NfsOperationCounts) => counts.operations],
  ['nfs_retransmissions_total', (counts: NfsOperationCounts) => counts.retransmissions],
  ['nfs_timeouts_total', (counts: NfsOperationCounts) => counts.timeouts],
  ['nfs_queue_time_seconds_total', (counts: NfsOperationCounts) => counts.queueMs],
  ['nfs_response_time_seconds_total', (counts: NfsOperationCounts) => counts.responseMs],
  ['nfs_request_time_seconds_total', (counts: NfsOperationCounts) => counts.requestMs],
] as const;

export class NfsSeries {
  readonly group: SeriesGroup;
  readonly #labels: { readonly export: string; readonly mountpoint: string };
  readonly #read: CounterSeries;
  readonly #written: CounterSeries;
  readonly #operations = new Map<NfsOperation, readonly CounterSeries[]>();

  constructor(group: SeriesGroup, { export: name, mountpoint }: NfsMount) {
    this.group = group;
    this.#labels = { export: name, mountpoint };
    this.#read = group.counter('nfs_read_bytes_total', this.#labels);
    this.#written = group.counter('nfs_written_bytes_total', this.#labels);
  }

  set({ readBytes, writtenBytes, operations }: NfsMount): void {
    put(this.#read, readBytes);
    put(this.#written, writtenBytes);
    // Version 3 has no OPEN: an operation that the file does not name has no series.
    for (const operation of operations.keys()) if (!this.#operations.has(operation)) this.#add(operation);
    for (const [operation, series] of this.#operations) setOperation(series, operations.get(operation));
  }

  #add(operation: NfsOperation): void {
    const labels = { ...this.#labels, operation };
    this.#operations.set(
      operation,
      ofOperation.map(([id]) => this.group.counter(id, labels)),
    );
  }
}

function setOperation(series: readonly CounterSeries[], counts: NfsOperationCounts | undefined): void {
  for (const [index, [, of]] of ofOperation.entries()) {
    const one = series[index];
    if (one) put(one, counts === undefined ? absent('not_present') : of(counts));
  }
}

function put(series: CounterSeries, value: Steps | Absence): void {
  if (isAbsent(value)) series.absent(value.reason);
  else series.set(value);
}
