// One line of sys/block/DEV/stat: 11 fields, 15 since Linux 4.18, 17 since 5.5. Documentation/block/stat.rst.
import type { Steps } from '#agent/contract';
import { ByteCursor } from './bytes.ts';

export const BLOCK_STAT_FIELDS = 17;
const FEWEST_FIELDS = 11;

export class BlockStatParser {
  readonly #cursor = new ByteCursor();
  readonly #fields: Steps[] = [];

  /** The fields there are, at most 17, in the order of the file; the result is the same array each time. */
  parse(bytes: Buffer, source: string): readonly Steps[] {
    const cursor = this.#cursor;
    const fields = this.#fields;
    cursor.reset(bytes, source);
    let length = 0;
    for (; length < BLOCK_STAT_FIELDS && !cursor.isAtLineEnd(); length++) fields[length] = cursor.count();
    if (length < FEWEST_FIELDS) {
      cursor.at = 0;
      cursor.fail(`at least ${FEWEST_FIELDS} numbers`);
    }
    fields.length = length;
    return fields;
  }
}
