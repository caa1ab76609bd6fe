// /proc/pressure/*: `some avg10=… avg60=… avg300=… total=µs`, then `full …`. Documentation/accounting/psi.rst.
import { ByteCursor } from './bytes.ts';

/** Microseconds; undefined for a line that this file does not have. */
export interface PressureTotals {
  some: number | undefined;
  full: number | undefined;
}

const someWord = Buffer.from('some ');
const fullWord = Buffer.from('full ');
const totalWord = Buffer.from('total=');
const LETTER_T = 116;

export class PressureParser {
  readonly #cursor = new ByteCursor();
  readonly #totals: PressureTotals = { some: undefined, full: undefined };

  /** The result is the same object each time. */
  parse(bytes: Buffer, source: string): Readonly<PressureTotals> {
    const cursor = this.#cursor;
    const totals = this.#totals;
    totals.some = totals.full = undefined;
    cursor.reset(bytes, source);
    while (!cursor.isAtEnd) {
      if (cursor.take(someWord)) totals.some = this.#total();
      else if (cursor.take(fullWord)) totals.full = this.#total();
      cursor.nextLine();
    }
    if (totals.some === undefined && totals.full === undefined) {
      cursor.at = 0;
      cursor.fail('a line "some … total=µs" or "full … total=µs"');
    }
    return totals;
  }

  #total(): number {
    if (!this.#cursor.seek(LETTER_T) || !this.#cursor.take(totalWord)) this.#cursor.fail('total=µs');
    return this.#cursor.smallCount();
  }
}
