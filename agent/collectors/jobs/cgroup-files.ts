// The files of one cgroup, as far as they are there, and how their values become amounts.
import { absent, isAbsent, type Absence } from '#agent/contract';
import type { Log } from '../../log.ts';
import { parseCount } from '../../parse/bytes.ts';
import { parseCpuList } from '../../parse/cpulist.ts';
import { KeyedCountsParser } from '../../parse/keyed-counts.ts';
import type { Tree } from '../../sources/tree.ts';
import { ParsedFile, type Parser } from '../parsed-file.ts';
import type { CgroupAmount } from './cgroup-use.ts';

export interface FileContext {
  readonly tree: Tree;
  readonly log: Log;
}

export interface ReadableFile<T> {
  read(): T | Absence;
}

export class CgroupFiles {
  readonly tree: Tree;
  readonly #context: FileContext;
  readonly #files: ParsedFile<unknown>[] = [];

  constructor(context: FileContext) {
    this.tree = context.tree;
    this.#context = context;
  }

  /** The first of several paths that exists; a controller that is not switched on has no files. */
  open<T>(paths: readonly string[], parser: Parser<T>): ReadableFile<T> {
    const path = paths.find((one) => this.tree.exists(one));
    if (path === undefined) return { read: () => unsupported };
    const file = new ParsedFile(this.#context, path, parser);
    this.#files.push(file);
    return file;
  }

  close(): void {
    for (const file of this.#files) file.close();
  }
}

const unsupported = absent('unsupported');

export const wholeNumber: Parser<number> = { parse: (bytes, source) => Number(parseCount(bytes, source)) };

/** An empty list is that of a cgroup v1 that was not given any yet. */
export const cpuCount: Parser<CgroupAmount> = {
  parse: (bytes, source) => {
    const { length } = parseCpuList(bytes.toString('latin1'), source);
    return length > 0 ? length : unsupported;
  },
};

/** The numbers behind some keys of a file of lines `key number`, in the order of the keys. */
export function numbersAt(keys: readonly string[]): Parser<readonly CgroupAmount[]> {
  const parser = new KeyedCountsParser(keys);
  return {
    parse: (bytes, source) => {
      const count = parser.parse(bytes, source);
      return keys.map((key) => {
        const value = count(key);
        return isAbsent(value) ? value : Number(value);
      });
    },
  };
}

export function numberAt(values: readonly CgroupAmount[] | Absence, index: number): CgroupAmount {
  return isAbsent(values) ? values : (values[index] ?? absent('malformed'));
}
