// Memory of the host: /proc/meminfo, /proc/vmstat, and node*/numastat. Documentation/filesystems/proc.rst.
import { absent, bytes, isAbsent, type Absence, type GaugeId, type Steps } from '#agent/contract';
import { KeyedCountsParser, type KeyedCounts } from '../parse/keyed-counts.ts';
import type { CounterSeries, GaugeSeries, SeriesGroup } from '../snapshot.ts';
import { AreaPresence } from './area.ts';
import type { Collector, CollectorContext, Reader, ReadLane, ReadResult } from './collector.ts';
import { NumaNodes, setCount } from './memory/numa.ts';
import { ParsedFile } from './parsed-file.ts';

export const memory: Collector = { area: 'memory', start: (context) => new MemoryReader(context) };

const KIBIBYTE = 1024;

/** Gauges by the key of their line in meminfo. */
const amounts = {
  'MemTotal:': 'memory_total_bytes',
  'MemAvailable:': 'memory_available_bytes',
  'Cached:': 'memory_cached_bytes',
  'Dirty:': 'memory_dirty_bytes',
  'Writeback:': 'memory_writeback_bytes',
} as const satisfies Record<string, GaugeId>;
const amountKeys = Object.keys(amounts) as (keyof typeof amounts)[]; // exactly the keys written above
const meminfoKeys = [...amountKeys, 'SwapTotal:', 'SwapFree:'] as const;
type MeminfoKey = (typeof meminfoKeys)[number];

/** allocstall was one number until Linux 4.10 and is one per zone since. */
const stallKeys = [
  'allocstall ',
  'allocstall_device ',
  'allocstall_dma ',
  'allocstall_dma32 ',
  'allocstall_high ',
  'allocstall_movable ',
  'allocstall_normal ',
] as const;
const vmstatKeys = ['pgmajfault ', 'oom_kill ', ...stallKeys] as const;
type VmstatKey = (typeof vmstatKeys)[number];

class MemoryReader implements Reader {
  readonly #context: CollectorContext;
  readonly #presence: AreaPresence;
  readonly #meminfo: ParsedFile<KeyedCounts<MeminfoKey>>;
  readonly #vmstat: ParsedFile<KeyedCounts<VmstatKey>>;
  readonly #numaNodes: NumaNodes;
  #series: MemorySeries | undefined;

  constructor(context: CollectorContext) {
    this.#context = context;
    this.#presence = new AreaPresence('memory', context);
    this.#meminfo = new ParsedFile(context, 'proc/meminfo', new KeyedCountsParser(meminfoKeys));
    this.#vmstat = new ParsedFile(context, 'proc/vmstat', new KeyedCountsParser(vmstatKeys));
    this.#numaNodes = new NumaNodes(context);
  }

  discover(): void {
    const { tree, snapshot } = this.#context;
    this.#meminfo.reopen();
    this.#vmstat.reopen();
    this.#numaNodes.discover();
    const present = tree.exists('proc/meminfo') || tree.exists('proc/vmstat');
    this.#presence.set(present || this.#numaNodes.size > 0 ? undefined : 'not_present');
    if (present) this.#series ??= new MemorySeries(snapshot.group());
    else this.#removeSeries();
  }

  read(lane: ReadLane): ReadResult {
    if (lane === 'fast' && this.#series) {
      this.#series.setMeminfo(this.#meminfo.read());
      this.#series.setVmstat(this.#vmstat.read());
    }
    if (lane === 'slow') this.#numaNodes.read();
    return 'ok';
  }

  stop(): void {
    this.#removeSeries();
    this.#numaNodes.remove();
    this.#presence.remove();
    this.#meminfo.close();
    this.#vmstat.close();
  }

  #removeSeries(): void {
    if (this.#series) this.#context.snapshot.remove(this.#series.group);
    this.#series = undefined;
  }
}

class MemorySeries {
  readonly group: SeriesGroup;
  readonly #amounts: readonly (readonly [MeminfoKey, GaugeSeries<'bytes'>])[];
  readonly #swapUsed: GaugeSeries<'bytes'>;
  readonly #majorFaults: CounterSeries;
  readonly #oomKills: CounterSeries;
  readonly #allocationStalls: CounterSeries;

  constructor(group: SeriesGroup) {
    this.group = group;
    this.#amounts = amountKeys.map((key) => [key, group.gauge(amounts[key], {})]);
    this.#swapUsed = group.gauge('memory_swap_used_bytes', {});
    this.#majorFaults = group.counter('vmstat_pgmajfault_total', {});
    this.#oomKills = group.counter('vmstat_oom_kill_total', {});
    this.#allocationStalls = group.counter('vmstat_allocstall_total', {});
  }

  setMeminfo(read: KeyedCounts<MeminfoKey> | Absence): void {
    const count = isAbsent(read) ? () => read : read;
    for (const [key, gauge] of this.#amounts) setKibibytes(gauge, count(key));
    const [total, free] = [count('SwapTotal:'), count('SwapFree:')];
    setKibibytes(this.#swapUsed, isAbsent(total) ? total : isAbsent(free) ? free : Number(total) - Number(free));
  }

  setVmstat(read: KeyedCounts<VmstatKey> | Absence): void {
    const count = isAbsent(read) ? () => read : read;
    setCount(this.#majorFaults, count('pgmajfault '));
    setCount(this.#oomKills, count('oom_kill '));
    setCount(this.#allocationStalls, isAbsent(read) ? read : sumOfStalls(read));
  }
}

function sumOfStalls(count: KeyedCounts<VmstatKey>): Steps | Absence {
  let sum: Steps | Absence = absent('unsupported');
  for (const key of stallKeys) {
    const part = count(key);
    if (isAbsent(part)) {
      if (part.reason !== 'unsupported') return part;
    } else sum = isAbsent(sum) ? part : Number(sum) + Number(part);
  }
  return sum;
}

function setKibibytes(gauge: GaugeSeries<'bytes'>, value: Steps | Absence): void {
  if (isAbsent(value)) gauge.absent(value.reason);
  else gauge.set(bytes(Number(value) * KIBIBYTE));
}
