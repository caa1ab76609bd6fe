// Latency of one disk over 10 s, its quiet level, and what it can carry (knowledge of both: kernel block/stat.rst; busy time says
// little of a disk that works in parallel).
import { pcieRateOf } from '../fabric/rates.ts';
import type { PublishedSeries } from '../fleet/schema.ts';
import { QuietLevel } from './quiet-level.ts';
import { seriesOf, type DerivedSeries, type Readings } from './series.ts';

export const WINDOW_MS = 10_000;
/** A gap in the samples ends a window. */
const LONGEST_WINDOW_MS = 30_000;
/** Fewer I/Os say little of a quiet level. */
export const QUIET_FROM_IOS = 10;
/** Requests in flight that show a disk what it can carry. */
export const LOADED_QUEUE = 4;

export interface DiskInputs {
  readonly reads: PublishedSeries | undefined;
  readonly readTime: PublishedSeries | undefined;
  readonly readBytes: PublishedSeries | undefined;
  readonly writes: PublishedSeries | undefined;
  readonly writeTime: PublishedSeries | undefined;
  readonly writtenBytes: PublishedSeries | undefined;
  readonly weighted: PublishedSeries | undefined;
  readonly generation: PublishedSeries | undefined;
  readonly width: PublishedSeries | undefined;
}

/** Counts of a disk at one time, in base units; NaN where it has none. */
export interface DiskCounts {
  readonly atMs: number;
  readonly reads: number;
  readonly readTime: number;
  readonly readBytes: number;
  readonly writes: number;
  readonly writeTime: number;
  readonly writtenBytes: number;
  readonly weighted: number;
}

export interface DiskUse {
  /** Seconds an I/O; NaN without any. */
  readonly readLatency: number;
  readonly writeLatency: number;
  readonly reads: number;
  readonly writes: number;
  readonly bytesPerSecond: number;
  readonly queue: number;
}

/** What happened between two readings; undefined where a count fell: the disk was reset or is another one. */
export function useDisk(before: DiskCounts, now: DiskCounts): DiskUse | undefined {
  const seconds = (now.atMs - before.atMs) / 1000;
  const reads = now.reads - before.reads;
  const writes = now.writes - before.writes;
  if (!(seconds > 0) || reads < 0 || writes < 0 || now.readTime < before.readTime || now.writeTime < before.writeTime)
    return undefined;
  return {
    readLatency: reads > 0 ? (now.readTime - before.readTime) / reads : NaN,
    writeLatency: writes > 0 ? (now.writeTime - before.writeTime) / writes : NaN,
    reads,
    writes,
    bytesPerSecond: (now.readBytes - before.readBytes + now.writtenBytes - before.writtenBytes) / seconds,
    queue: (now.weighted - before.weighted) / seconds,
  };
}

/** The smaller of what is known: the link, and the best that was kept up under load. NaN where neither is. */
export function ceilingOf(link: number, best: number): number {
  if (Number.isNaN(link)) return best;
  return Number.isNaN(best) ? link : Math.min(link, best);
}

/** What outlives a schema: the disk's own levels. */
export interface DiskMemory {
  readonly read: QuietLevel;
  readonly write: QuietLevel;
  best: number;
}

export const newMemory = (): DiskMemory => ({ read: new QuietLevel(), write: new QuietLevel(), best: NaN });

export class DerivedDisk {
  readonly memory: DiskMemory;
  readonly #inputs: DiskInputs;
  readonly #readLatency: DerivedSeries;
  readonly #writeLatency: DerivedSeries;
  readonly #readQuiet: DerivedSeries;
  readonly #writeQuiet: DerivedSeries;
  readonly #ceiling: DerivedSeries;
  #window: DiskCounts[] = [];
  #judgedMs = -Infinity;

  constructor(device: string, inputs: DiskInputs, memory: DiskMemory) {
    this.memory = memory;
    this.#inputs = inputs;
    const labels = [device];
    this.#readLatency = seriesOf('disk_read_latency_seconds', labels);
    this.#writeLatency = seriesOf('disk_write_latency_seconds', labels);
    this.#readQuiet = seriesOf('disk_read_latency_baseline_seconds', labels);
    this.#writeQuiet = seriesOf('disk_write_latency_baseline_seconds', labels);
    this.#ceiling = seriesOf('disk_throughput_ceiling_bytes_per_second', labels);
  }

  get series(): readonly DerivedSeries[] {
    return [this.#readLatency, this.#writeLatency, this.#readQuiet, this.#writeQuiet, this.#ceiling];
  }

  renew(node: Readings): void {
    const atMs = node.lastSampleMs;
    if (atMs === undefined || atMs === this.#window.at(-1)?.atMs) return;
    this.#push(countsOf(this.#inputs, node, atMs));
    const [first] = this.#window;
    const last = this.#window.at(-1);
    const use = first && last && first !== last ? useDisk(first, last) : undefined;
    if (first !== last && !use) this.#window = this.#window.slice(-1);
    this.#readLatency.value = use?.readLatency ?? NaN;
    this.#writeLatency.value = use?.writeLatency ?? NaN;
    if (use) this.#remember(use, atMs);
    this.#readQuiet.value = this.memory.read.seconds;
    this.#writeQuiet.value = this.memory.write.seconds;
    const link = pcieRateOf(node.level(this.#inputs.generation), node.level(this.#inputs.width));
    this.#ceiling.value = ceilingOf(link, this.memory.best);
  }

  /** The newest reading, and those of the ten seconds before it. */
  #push(counts: DiskCounts): void {
    const last = this.#window.at(-1);
    if (last && (counts.atMs < last.atMs || counts.atMs - last.atMs > LONGEST_WINDOW_MS)) this.#window = [];
    this.#window.push(counts);
    while ((this.#window[1]?.atMs ?? Infinity) <= counts.atMs - WINDOW_MS) this.#window.shift();
  }

  /** Whole windows that do not overlap. */
  #remember({ readLatency, writeLatency, reads, writes, bytesPerSecond, queue }: DiskUse, atMs: number): void {
    const spanMs = atMs - (this.#window[0]?.atMs ?? atMs);
    if (spanMs < WINDOW_MS || atMs - this.#judgedMs < WINDOW_MS) return;
    this.#judgedMs = atMs;
    if (reads >= QUIET_FROM_IOS && readLatency > 0) this.memory.read.add(readLatency, atMs);
    if (writes >= QUIET_FROM_IOS && writeLatency > 0) this.memory.write.add(writeLatency, atMs);
    if (queue >= LOADED_QUEUE && !(bytesPerSecond <= this.memory.best)) this.memory.best = bytesPerSecond;
  }
}

function countsOf(inputs: DiskInputs, node: Readings, atMs: number): DiskCounts {
  return {
    atMs,
    reads: node.level(inputs.reads),
    readTime: node.level(inputs.readTime),
    readBytes: node.level(inputs.readBytes),
    writes: node.level(inputs.writes),
    writeTime: node.level(inputs.writeTime),
    writtenBytes: node.level(inputs.writtenBytes),
    weighted: node.level(inputs.weighted),
  };
}
