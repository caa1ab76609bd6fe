// /proc/diskstats: major, minor, name and the fields of sys/block/DEV/stat. Documentation/admin-guide/iostats.rst.
import type { Steps } from '#agent/contract';
import { BlockStatParser } from './block-stat.ts';
import { ParseError } from './parse-error.ts';

/** The row of one device. */
export class DiskstatsParser {
  readonly #row: RegExp;
  readonly #name: string;
  readonly #stat = new BlockStatParser();

  constructor(name: string) {
    this.#name = name;
    this.#row = new RegExp(`^\\s*\\d+\\s+\\d+\\s+${escapeForPattern(name)} (.*)$`, 'm');
  }

  parse(bytes: Buffer, source: string): readonly Steps[] {
    const row = this.#row.exec(bytes.toString('latin1'))?.[1];
    if (row === undefined) throw new ParseError(source, this.#name, 'a row of this device');
    return this.#stat.parse(Buffer.from(row), `${source} ${this.#name}`);
  }
}

export function parseDiskNames(text: string): readonly string[] {
  return text.split('\n').flatMap((line) => /^\s*\d+\s+\d+\s+(\S+) /.exec(line)?.[1] ?? []);
}

function escapeForPattern(text: string): string {
  return text.replace(/[^\w]/g, '\\$&');
}
