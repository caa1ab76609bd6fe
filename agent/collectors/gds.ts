// GPUDirect Storage: proc/driver/nvidia-fs/stats. Without accounting (the default) the driver counts no data, and none is shown.
import { isAbsent, type Absence, type Steps } from '#agent/contract';
import { parseNvidiaFsStats, type NvidiaFsStats } from '../parse/nvidia-fs-stats.ts';
import type { CounterSeries, GaugeSeries, SeriesGroup } from '../snapshot.ts';
import { AreaPresence } from './area.ts';
import type { Collector, CollectorContext, Reader, ReadLane, ReadResult } from './collector.ts';
import { ParsedFile } from './parsed-file.ts';

export const gds: Collector = { area: 'gds', start: (context) => new GdsReader(context) };

const PATH = 'proc/driver/nvidia-fs/stats';

class GdsReader implements Reader {
  readonly #context: CollectorContext;
  readonly #presence: AreaPresence;
  readonly #file: ParsedFile<NvidiaFsStats>;
  #series: GdsSeries | undefined;

  constructor(context: CollectorContext) {
    this.#context = context;
    this.#presence = new AreaPresence('gds', context);
    this.#file = new ParsedFile(context, PATH, { parse: parseText });
  }

  discover(): void {
    this.#file.reopen();
    this.#read();
  }

  read(lane: ReadLane): ReadResult {
    if (lane === 'medium' && this.#series) this.#read();
    return 'ok';
  }

  stop(): void {
    this.#lose();
    this.#file.close();
    this.#presence.remove();
  }

  #read(): void {
    const stats = this.#file.read();
    if (!isAbsent(stats)) {
      this.#series ??= new GdsSeries(this.#context.snapshot.group());
      this.#series.set(stats);
    } else if (stats.reason === 'not_present') {
      this.#lose();
    } else {
      this.#series?.group.absent(stats.reason);
    }
    this.#presence.set(isAbsent(stats) && !this.#series ? stats.reason : undefined);
  }

  /** The module was unloaded. */
  #lose(): void {
    if (this.#series) this.#context.snapshot.remove(this.#series.group);
    this.#series = undefined;
  }
}

class GdsSeries {
  readonly group: SeriesGroup;
  readonly #accounting: GaugeSeries<'boolean'>;
  readonly #readsNow: GaugeSeries<'count'>;
  readonly #writesNow: GaugeSeries<'count'>;
  readonly #read: CounterSeries;
  readonly #written: CounterSeries;
  readonly #buffers: GaugeSeries<'count'>;

  constructor(group: SeriesGroup) {
    this.group = group;
    this.#accounting = group.gauge('gds_accounting_enabled', {});
    this.#readsNow = group.gauge('gds_operations_now', { operation: 'read' });
    this.#writesNow = group.gauge('gds_operations_now', { operation: 'write' });
    this.#read = group.counter('gds_read_bytes_total', {});
    this.#written = group.counter('gds_written_bytes_total', {});
    this.#buffers = group.gauge('gds_bounce_buffers', {});
  }

  set(stats: NvidiaFsStats): void {
    const { accounting } = stats;
    this.#accounting.put(isAbsent(accounting) ? accounting : Number(accounting));
    this.#readsNow.put(numberOf(stats.readsNow));
    this.#writesNow.put(numberOf(stats.writesNow));
    this.#buffers.put(numberOf(stats.shadowBuffers));
    put(this.#read, stats.readBytes);
    put(this.#written, stats.writtenBytes);
  }
}

function numberOf(value: Steps | Absence): number | Absence {
  return isAbsent(value) ? value : Number(value);
}

function put(series: CounterSeries, value: Steps | Absence): void {
  if (isAbsent(value)) series.absent(value.reason);
  else series.set(value);
}

function parseText(bytes: Buffer, source: string): NvidiaFsStats {
  return parseNvidiaFsStats(bytes.toString('latin1'), source);
}
