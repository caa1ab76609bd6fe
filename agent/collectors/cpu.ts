// Time of the CPUs by NUMA node, processes, load, throttling: /proc/stat, /proc/loadavg, sysfs. Documentation/filesystems/proc.rst 1.7.
import { isAbsent } from '#agent/contract';
import { parseLoadAverage } from '../parse/loadavg.ts';
import { ProcStatParser, type ProcStat } from '../parse/stat.ts';
import { AreaPresence } from './area.ts';
import type { Collector, CollectorContext, Reader, ReadLane, ReadResult } from './collector.ts';
import { HostLoad } from './cpu/load.ts';
import { CpuNode } from './cpu/node.ts';
import { findNumaNodes } from './cpu/numa.ts';
import { CpuThrottles } from './cpu/throttles.ts';
import { CpuTimes } from './cpu/times.ts';
import { ParsedFile } from './parsed-file.ts';

export const cpu: Collector = { area: 'cpu', start: (context) => new CpuReader(context) };

class CpuReader implements Reader {
  readonly #context: CollectorContext;
  readonly #presence: AreaPresence;
  readonly #stat: ParsedFile<ProcStat>;
  readonly #loadAverage: ParsedFile<readonly [number, number, number]>;
  readonly #times = new CpuTimes();
  readonly #nodes = new Map<string, CpuNode>();
  #load: HostLoad | undefined;
  #throttles: CpuThrottles | undefined;

  constructor(context: CollectorContext) {
    this.#context = context;
    this.#presence = new AreaPresence('cpu', context);
    this.#stat = new ParsedFile(context, 'proc/stat', new ProcStatParser());
    this.#loadAverage = new ParsedFile(context, 'proc/loadavg', { parse: parseLoadAverage });
  }

  discover(): void {
    this.#stat.reopen();
    this.#loadAverage.reopen();
    const stat = this.#stat.read();
    if (isAbsent(stat) && stat.reason === 'not_present') {
      this.#presence.set('not_present');
      this.#remove();
      return;
    }
    this.#presence.set(undefined);
    this.#load ??= new HostLoad(this.#context.snapshot.group());
    this.#throttles ??= new CpuThrottles(this.#context);
    if (isAbsent(stat)) return;
    this.#assign(stat.cpus);
    this.#throttles.setOnline(stat.cpus);
  }

  read(lane: ReadLane): ReadResult {
    switch (lane) {
      case 'fast':
        return this.#readStat();
      case 'medium':
        this.#load?.setAverages(this.#loadAverage.read());
        return 'ok';
      case 'slow':
        this.#throttles?.read();
        return 'ok';
    }
  }

  stop(): void {
    this.#remove();
    this.#presence.remove();
    this.#stat.close();
    this.#loadAverage.close();
  }

  #readStat(): ReadResult {
    if (!this.#load) return 'ok';
    const stat = this.#stat.read();
    this.#load.setProcesses(stat);
    if (isAbsent(stat)) {
      for (const node of this.#nodes.values()) node.group.absent(stat.reason);
      return stat.reason === 'not_present' ? 'rediscover' : 'ok';
    }
    const known = this.#times.update(stat);
    for (const node of this.#nodes.values()) node.update(this.#times);
    return known ? 'ok' : 'rediscover';
  }

  /** Gives every CPU that is online to its NUMA node; without such nodes all are of node 0. */
  #assign(online: readonly number[]): void {
    const numaNodeOf = findNumaNodes(this.#context.tree);
    this.#times.expect(online);
    const cpusOf = Map.groupBy(online, (number) => numaNodeOf.get(number) ?? '0');
    for (const numaNode of cpusOf.keys()) {
      if (!this.#nodes.has(numaNode)) this.#nodes.set(numaNode, new CpuNode(this.#context.snapshot.group(), numaNode));
    }
    for (const [numaNode, node] of this.#nodes) node.setOnline(cpusOf.get(numaNode) ?? []);
  }

  #remove(): void {
    const { snapshot } = this.#context;
    for (const { group } of this.#nodes.values()) snapshot.remove(group);
    this.#nodes.clear();
    if (this.#load) snapshot.remove(this.#load.group);
    this.#load = undefined;
    if (this.#throttles) {
      this.#throttles.close();
      snapshot.remove(this.#throttles.group);
    }
    this.#throttles = undefined;
  }
}
