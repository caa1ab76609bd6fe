// Series of one Lustre file system: its clients on this node added up.
import { absent, isAbsent, type Absence, type Steps } from '#agent/contract';
import { parseLliteStats, type LliteStats } from '../../parse/llite-stats.ts';
import { plus } from '../../parse/steps.ts';
import type { CounterSeries, SeriesGroup } from '../../snapshot.ts';
import type { CollectorContext } from '../collector.ts';
import { ParsedFile } from '../parsed-file.ts';
import type { LustreClient } from './find.ts';

export class LustreFilesystem {
  readonly signature: string;
  readonly #context: CollectorContext;
  readonly #filesystem: string;
  readonly #group: SeriesGroup;
  readonly #files: readonly (ParsedFile<LliteStats> | Absence)[];
  readonly #read: CounterSeries;
  readonly #written: CounterSeries;
  readonly #operations = new Map<string, CounterSeries>();

  constructor(context: CollectorContext, filesystem: string, clients: readonly LustreClient[]) {
    this.signature = JSON.stringify(clients);
    this.#context = context;
    this.#filesystem = filesystem;
    this.#group = context.snapshot.group();
    this.#files = clients.map((client) =>
      client.kind === 'readable' ? new ParsedFile(context, client.path, { parse: parseText }) : absent(client.reason),
    );
    this.#read = this.#group.counter('lustre_read_bytes_total', { filesystem });
    this.#written = this.#group.counter('lustre_written_bytes_total', { filesystem });
  }

  /** False if a client is gone. */
  read(): boolean {
    const stats = this.#sum();
    if (isAbsent(stats)) {
      this.#group.absent(stats.reason);
      return stats.reason !== 'not_present';
    }
    put(this.#read, stats.readBytes);
    put(this.#written, stats.writtenBytes);
    for (const operation of stats.operations.keys()) if (!this.#operations.has(operation)) this.#add(operation);
    for (const [operation, series] of this.#operations) put(series, stats.operations.get(operation));
    return true;
  }

  remove(): void {
    for (const file of this.#files) if (!isAbsent(file)) file.close();
    this.#context.snapshot.remove(this.#group);
  }

  #sum(): LliteStats | Absence {
    let sum: LliteStats | undefined;
    for (const file of this.#files) {
      const stats = isAbsent(file) ? file : file.read();
      if (isAbsent(stats)) return stats;
      sum = sum ? added(sum, stats) : stats;
    }
    return sum ?? absent('not_present');
  }

  #add(operation: string): void {
    const labels = { filesystem: this.#filesystem, operation };
    this.#operations.set(operation, this.#group.counter('lustre_operations_total', labels));
  }
}

function added(a: LliteStats, b: LliteStats): LliteStats {
  const operations = new Map(a.operations);
  for (const [name, count] of b.operations) operations.set(name, plus(count, operations.get(name) ?? 0));
  return {
    readBytes: both(a.readBytes, b.readBytes),
    writtenBytes: both(a.writtenBytes, b.writtenBytes),
    operations,
  };
}

function both(a: Steps | undefined, b: Steps | undefined): Steps | undefined {
  return a === undefined || b === undefined ? (a ?? b) : plus(a, b);
}

/** No line: it has not happened since the client was mounted or its stats were cleared. */
function put(series: CounterSeries, value: Steps | undefined): void {
  if (value === undefined) series.absent('not_present');
  else series.set(value);
}

function parseText(bytes: Buffer, source: string): LliteStats {
  return parseLliteStats(bytes.toString('latin1'), source);
}
