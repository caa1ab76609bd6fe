// Counts of a multipath disk: the sum over its paths, with what paths that are gone had counted. The kernel counts in the
// paths and forgets a path's counts with it; the disk stays, and its counters must not fall. nvme-multipath.rst.
import { isAbsent, type Absence, type Steps } from '#agent/contract';
import { plus } from '../../parse/steps.ts';
import type { ParsedFile } from '../parsed-file.ts';

/** In flight: no count, and over with the path. */
const IN_FLIGHT = 8;

export interface CountedPath {
  readonly path: string;
  readonly file: ParsedFile<readonly Steps[]>;
}

export class PathCounts {
  readonly #paths: readonly CountedPath[];
  readonly #carried: readonly Steps[];
  readonly #last = new Map<string, readonly Steps[]>();

  constructor(paths: readonly CountedPath[], carried: readonly Steps[] = []) {
    this.#paths = paths;
    this.#carried = carried;
  }

  read(): readonly Steps[] | Absence {
    let sum = this.#carried;
    for (const { path, file } of this.#paths) {
      const fields = file.read();
      if (isAbsent(fields)) return fields;
      // The parser gives the same array for every path.
      this.#last.set(path, [...fields]);
      sum = add(sum, fields);
    }
    return sum;
  }

  /** What a disk with these paths has to carry on: all that other paths of this one had counted. */
  carryTo(paths: readonly string[]): readonly Steps[] {
    const gone = [...this.#last].filter(([path]) => !paths.includes(path));
    const sum = gone.reduce((carried, [, fields]) => add(carried, fields), this.#carried);
    return sum.map((value, field) => (field === IN_FLIGHT ? 0 : value));
  }
}

function add(a: readonly Steps[], b: readonly Steps[]): readonly Steps[] {
  return a.length === 0 ? [...b] : a.map((value, field) => plus(value, b[field] ?? 0));
}
