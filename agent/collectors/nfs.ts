// NFS as its client counts it: proc/self/mountstats, one entry per file system however often it is mounted.
import { absent, isAbsent, type Absence } from '#agent/contract';
import { parseMountInfo } from '../parse/mountinfo.ts';
import { parseMountStats, type NfsMount } from '../parse/mountstats.ts';
import { ParseError } from '../parse/parse-error.ts';
import { AreaPresence } from './area.ts';
import type { Collector, CollectorContext, Reader, ReadLane, ReadResult } from './collector.ts';
import { NfsSeries } from './nfs/series.ts';
import { selectMounts, type DeviceNumbers } from './nfs/select.ts';
import { ParsedFile } from './parsed-file.ts';

export const nfs: Collector = { area: 'nfs', start: (context) => new NfsReader(context) };

/** proc/self of a recorded tree may be missing: then what its first process saw. */
const PROCESSES = ['proc/self', 'proc/1'];

class NfsReader implements Reader {
  readonly #context: CollectorContext;
  readonly #presence: AreaPresence;
  readonly #mounts = new Map<string, NfsSeries>();
  #file: ParsedFile<readonly NfsMount[]> | undefined;
  #process = '';
  #numbers: DeviceNumbers = new Map();
  /** The mounts for which the numbers hold. */
  #numbered: readonly string[] = [];

  constructor(context: CollectorContext) {
    this.#context = context;
    this.#presence = new AreaPresence('nfs', context);
  }

  discover(): void {
    const { tree } = this.#context;
    this.#file?.close();
    this.#process = PROCESSES.find((one) => tree.exists(`${one}/mountstats`)) ?? '';
    this.#file =
      this.#process === ''
        ? undefined
        : new ParsedFile(this.#context, `${this.#process}/mountstats`, { parse: parseText });
    this.#numbered = [];
    this.#read();
  }

  /** The file lists every mount of the node: where none of them is NFS it is left alone until the next discovery. */
  read(lane: ReadLane): ReadResult {
    if (lane === 'medium' && this.#mounts.size > 0) this.#read();
    return 'ok';
  }

  stop(): void {
    this.#keep([]);
    this.#file?.close();
    this.#presence.remove();
  }

  #read(): void {
    const read = this.#file?.read() ?? absent('not_present');
    if (isAbsent(read)) {
      this.#fail(read);
      return;
    }
    const mounts = selectMounts(read, this.#numbersOf(read));
    this.#keep(mounts);
    for (const mount of mounts) this.#seriesOf(mount).set(mount);
    this.#presence.set(mounts.length > 0 ? undefined : 'not_present');
  }

  /** One bad reading takes the values, not the series. */
  #fail({ reason }: Absence): void {
    if (reason === 'not_present') this.#keep([]);
    for (const series of this.#mounts.values()) series.group.absent(reason);
    this.#presence.set(this.#mounts.size > 0 ? undefined : reason);
  }

  #keep(mounts: readonly NfsMount[]): void {
    const keys = new Set(mounts.map(keyOf));
    for (const [key, { group }] of this.#mounts) {
      if (keys.has(key)) continue;
      this.#context.snapshot.remove(group);
      this.#mounts.delete(key);
    }
  }

  #seriesOf(mount: NfsMount): NfsSeries {
    const known = this.#mounts.get(keyOf(mount));
    if (known) return known;
    const series = new NfsSeries(this.#context.snapshot.group(), mount);
    this.#mounts.set(keyOf(mount), series);
    return series;
  }

  #numbersOf(mounts: readonly NfsMount[]): DeviceNumbers {
    const keys = mounts.map(keyOf);
    if (keys.length !== this.#numbered.length || keys.some((key, at) => key !== this.#numbered[at])) {
      this.#numbers = this.#readNumbers();
      this.#numbered = keys;
    }
    return this.#numbers;
  }

  /** The numbers of the file systems by mountpoint, in the order in which they were mounted there. */
  #readNumbers(): DeviceNumbers {
    const path = `${this.#process}/mountinfo`;
    const text = this.#context.tree.text(path);
    if (isAbsent(text)) return new Map();
    try {
      const grouped = Map.groupBy(parseMountInfo(text, path), ({ mountpoint }) => mountpoint);
      return new Map([...grouped].map(([point, mounts]) => [point, mounts.map(({ deviceNumber }) => deviceNumber)]));
    } catch (error) {
      if (error instanceof ParseError) return new Map();
      throw error;
    }
  }
}

function keyOf({ export: name, mountpoint }: NfsMount): string {
  return JSON.stringify([name, mountpoint]);
}

function parseText(bytes: Buffer, source: string): readonly NfsMount[] {
  return parseMountStats(bytes.toString('utf8'), source);
}
