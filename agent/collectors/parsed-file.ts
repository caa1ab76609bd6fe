// A kept file with its parser. What cannot be read or understood is an absence; the log hears of a change once.
import { absent, isAbsent, type Absence } from '#agent/contract';
import type { Log } from '../log.ts';
import { ParseError } from '../parse/parse-error.ts';
import type { KeptFile, Tree } from '../sources/tree.ts';

/** Usually keeps the object it returns, so that reading makes no garbage: the result holds until the next pass. */
export interface Parser<T> {
  parse(bytes: Buffer, source: string): T;
}

export class ParsedFile<T> {
  readonly #tree: Tree;
  #file: KeptFile;
  readonly #parser: Parser<T>;
  readonly #log: Log;
  #malformed = false;

  constructor({ tree, log }: { readonly tree: Tree; readonly log: Log }, path: string, parser: Parser<T>) {
    this.#tree = tree;
    this.#file = tree.file(path);
    this.#parser = parser;
    this.#log = log;
  }

  read(): T | Absence {
    const bytes = this.#file.read();
    if (isAbsent(bytes)) return bytes;
    try {
      const value = this.#parser.parse(bytes, this.#file.path);
      if (this.#malformed) this.#recover();
      return value;
    } catch (error) {
      if (!(error instanceof ParseError)) throw error;
      if (!this.#malformed) this.#log.warn(error.message);
      this.#malformed = true;
      return absent('malformed');
    }
  }

  /** The next read opens what then has the name: a device that came back, a recorded tree that was changed. */
  reopen(): void {
    this.#file.close();
    this.#file = this.#tree.file(this.#file.path);
  }

  close(): void {
    this.#file.close();
  }

  #recover(): void {
    this.#malformed = false;
    this.#log.info('file is well-formed again', { file: this.#file.path });
  }
}
