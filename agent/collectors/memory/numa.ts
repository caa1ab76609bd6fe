// Pages that came from another NUMA node than was asked: sys/devices/system/node/node*/numastat. Documentation/admin-guide/numastat.rst.
import { isAbsent, type Absence, type Steps } from '#agent/contract';
import { KeyedCountsParser, type KeyedCounts } from '../../parse/keyed-counts.ts';
import type { CounterSeries } from '../../snapshot.ts';
import type { CollectorContext } from '../collector.ts';
import { ParsedFile } from '../parsed-file.ts';

const DIRECTORY = 'sys/devices/system/node';
const keys = ['numa_miss ', 'numa_foreign '] as const;
type Key = (typeof keys)[number];

export class NumaNodes {
  readonly #context: CollectorContext;
  readonly #nodes = new Map<string, NumaNode>();

  constructor(context: CollectorContext) {
    this.#context = context;
  }

  get size(): number {
    return this.#nodes.size;
  }

  discover(): void {
    const present = new Set(this.#context.tree.names(DIRECTORY).flatMap((name) => /^node(\d+)$/.exec(name)?.[1] ?? []));
    for (const number of this.#nodes.keys()) if (!present.has(number)) this.#remove(number);
    for (const number of present) {
      const known = this.#nodes.get(number);
      if (known) known.file.reopen();
      else this.#nodes.set(number, new NumaNode(this.#context, number));
    }
  }

  read(): void {
    for (const node of this.#nodes.values()) node.read();
  }

  remove(): void {
    for (const number of this.#nodes.keys()) this.#remove(number);
  }

  #remove(number: string): void {
    this.#nodes.get(number)?.remove();
    this.#nodes.delete(number);
  }
}

class NumaNode {
  readonly file: ParsedFile<KeyedCounts<Key>>;
  readonly #miss: CounterSeries;
  readonly #foreign: CounterSeries;
  readonly #remove: () => void;

  constructor(context: CollectorContext, number: string) {
    const group = context.snapshot.group();
    this.file = new ParsedFile(context, `${DIRECTORY}/node${number}/numastat`, new KeyedCountsParser(keys));
    this.#miss = group.counter('numa_miss_total', { numa_node: number });
    this.#foreign = group.counter('numa_foreign_total', { numa_node: number });
    this.#remove = () => {
      context.snapshot.remove(group);
    };
  }

  read(): void {
    const counts = this.file.read();
    setCount(this.#miss, isAbsent(counts) ? counts : counts('numa_miss '));
    setCount(this.#foreign, isAbsent(counts) ? counts : counts('numa_foreign '));
  }

  remove(): void {
    this.file.close();
    this.#remove();
  }
}

export function setCount(counter: CounterSeries, value: Steps | Absence): void {
  if (isAbsent(value)) counter.absent(value.reason);
  else counter.set(value);
}
