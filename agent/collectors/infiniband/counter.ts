// One counter of a port: its file or files, its ceiling, whether it fell. Authority: the width rules of port-counters.ts.
import { absent, isAbsent, type Absence, type Steps } from '#agent/contract';
import { ByteCursor } from '../../parse/bytes.ts';
import { ParseError } from '../../parse/parse-error.ts';
import type { CounterSeries, GaugeSeries } from '../../snapshot.ts';
import type { KeptFile, Tree } from '../../sources/tree.ts';

/** `fell`: somebody reset it. `gone`: the file is no more, perhaps the whole device. */
export type CounterPass = 'read' | 'fell' | 'gone';

const NINE = 57;
const ZERO = 48;
const CARRIAGE_RETURN = 13;
const LARGEST = 2n ** 64n - 1n;
// One for all: a pass over hundreds of files makes no garbage.
const cursor = new ByteCursor();

/** A counter's file. What the device does not offer is not asked for again before the next discovery: each question costs a firmware query and perhaps a line in the kernel log. */
export class CounterFile {
  readonly #tree: Tree;
  readonly #path: string;
  #file: KeptFile;
  #withheld: Absence | undefined;

  constructor(tree: Tree, path: string) {
    this.#tree = tree;
    this.#path = path;
    this.#file = tree.file(path);
  }

  read(): Steps | Absence {
    if (this.#withheld) return this.#withheld;
    const bytes = this.#file.read();
    if (isAbsent(bytes)) return this.#withhold(bytes);
    const first = bytes[0] ?? 0;
    if ((first < ZERO || first > NINE) && bytes.toString('latin1').startsWith('N/A')) {
      return this.#withhold(absent('unsupported'));
    }
    return countOf(bytes, this.#path);
  }

  /** Asks again from the start, in the files that are there now. */
  reopen(): void {
    this.close();
    this.#withheld = undefined;
    this.#file = this.#tree.file(this.#path);
  }

  close(): void {
    this.#file.close();
  }

  #withhold(absence: Absence): Absence {
    if (absence.reason !== 'timed_out' && absence.reason !== 'malformed') this.#withheld = absence;
    return absence;
  }
}

export interface CounterOptions {
  readonly files: readonly CounterFile[];
  readonly series: CounterSeries;
  readonly bits?: number;
  readonly factor?: 1 | 4;
  readonly saturated?: GaugeSeries<'boolean'>;
}

export class Counter {
  readonly #options: CounterOptions;
  readonly #ceiling: Steps | undefined;
  #last: Steps | undefined;

  constructor(options: CounterOptions) {
    this.#options = options;
    this.#ceiling = options.bits === undefined ? undefined : ceilingOf(options.bits);
  }

  /** What was read last, in the source's own units, also at its ceiling. */
  get last(): Steps | undefined {
    return this.#last;
  }

  read(): CounterPass {
    const value = this.#largest();
    if (isAbsent(value)) {
      this.#options.series.absent(value.reason);
      this.#options.saturated?.absent(value.reason);
      const gone = value.reason === 'not_present' && this.#last !== undefined;
      this.#last = undefined;
      return gone ? 'gone' : 'read';
    }
    this.#publish(value);
    const fell = this.#last !== undefined && value < this.#last;
    this.#last = value;
    return fell ? 'fell' : 'read';
  }

  reopen(): void {
    for (const file of this.#options.files) file.reopen();
  }

  close(): void {
    for (const file of this.#options.files) file.close();
  }

  #publish(value: Steps): void {
    const { series, saturated, factor = 1 } = this.#options;
    const full = value === this.#ceiling;
    if (full) series.absent('saturated');
    else series.set(factor === 1 ? value : times(value, factor));
    saturated?.set(full ? 1 : 0);
  }

  /** Of two files with the same quantity the one that is not stuck at its ceiling or at zero is the larger. */
  #largest(): Steps | Absence {
    let largest: Steps | Absence = absent('not_present');
    for (const file of this.#options.files) {
      const value = file.read();
      if (isAbsent(largest)) largest = value;
      else if (!isAbsent(value) && value > largest) largest = value;
    }
    return largest;
  }
}

/** The number of a counter file, and nothing else on its line. */
function countOf(bytes: Buffer, source: string): Steps | Absence {
  try {
    cursor.reset(bytes, source);
    const count = cursor.count();
    if (!cursor.isAtLineEnd() && bytes[cursor.at] !== CARRIAGE_RETURN) return absent('malformed');
    // The kernel counts in 64 bits at most.
    return typeof count === 'number' || count <= LARGEST ? count : absent('malformed');
  } catch (error) {
    if (error instanceof ParseError) return absent('malformed');
    throw error;
  }
}

function ceilingOf(bits: number): Steps {
  return bits === 64 ? LARGEST : 2 ** bits - 1;
}

function times(value: Steps, factor: number): Steps {
  const product = Number(value) * factor;
  return Number.isSafeInteger(product) ? product : BigInt(value) * BigInt(factor);
}
