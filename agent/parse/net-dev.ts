// /proc/net/dev: two lines of heads, then `name: ` and 16 numbers for every interface. Documentation/filesystems/proc.rst 1.4.
import type { Steps } from '#agent/contract';
import { ByteCursor } from './bytes.ts';

export const NET_DEV_FIELDS = 16;
const COLON = 58;

/** One interface: where its name stands, and its numbers. The same object for every line. */
export interface NetDevLine {
  readonly fields: readonly Steps[];
  readonly name: string;
  isNamed(name: Buffer): boolean;
}

export class NetDevParser {
  readonly #cursor = new ByteCursor();
  readonly #fields: Steps[] = [];
  readonly #line: NetDevLine;
  #nameStart = 0;
  #nameEnd = 0;

  constructor() {
    const fields = this.#fields;
    const name = (): string => this.#cursor.text(this.#nameStart, this.#nameEnd);
    const isNamed = (bytes: Buffer): boolean => this.#cursor.equals(this.#nameStart, this.#nameEnd, bytes);
    this.#line = {
      fields,
      isNamed,
      get name() {
        return name();
      },
    };
  }

  /** Calls `visit` for each interface in the order of the file. */
  parse(bytes: Buffer, source: string, visit: (line: NetDevLine) => void): void {
    const cursor = this.#cursor;
    cursor.reset(bytes, source);
    cursor.nextLine();
    cursor.nextLine();
    while (!cursor.isAtEnd) {
      if (!cursor.isAtLineEnd()) {
        this.#readLine();
        visit(this.#line);
      }
      cursor.nextLine();
    }
  }

  #readLine(): void {
    const cursor = this.#cursor;
    this.#nameStart = cursor.at;
    this.#seekName();
    for (let field = 0; field < NET_DEV_FIELDS; field++) this.#fields[field] = cursor.count();
  }

  /** The name ends at the last colon: an alias such as eth0:1 has one of its own. */
  #seekName(): void {
    const cursor = this.#cursor;
    if (!cursor.seek(COLON)) cursor.fail('the name of an interface and a colon');
    for (;;) {
      this.#nameEnd = cursor.at;
      cursor.at++;
      if (!cursor.seek(COLON)) return;
    }
  }
}
