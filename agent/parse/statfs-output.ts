// What `stat -f -c '%S %b %f %a %c %d %n'` prints: one line per file system that answered, in the order asked. stat(1).
import { bytes, type Quantity } from '#agent/contract';
import { ParseError } from './parse-error.ts';

export const STATFS_FORMAT = '%S %b %f %a %c %d %n';

export interface Capacity {
  readonly size: Quantity<'bytes'>;
  /** For a user without privileges. */
  readonly available: Quantity<'bytes'>;
  readonly files: number;
  readonly filesFree: number;
}

/** By mountpoint; one that did not answer is missing. A name may hold newlines, so it is looked for and not split off. */
export function parseStatfsOutput(
  text: string,
  mountpoints: readonly string[],
  source: string,
): ReadonlyMap<string, Capacity> {
  const found = new Map<string, Capacity>();
  let at = 0;
  for (const mountpoint of mountpoints) {
    const match = /^(\d+) (\d+) (\d+) (\d+) (\d+) (\d+) /.exec(text.slice(at, at + 160));
    const line = match ? `${match[0]}${mountpoint}\n` : '';
    if (!match || !text.startsWith(line, at)) continue;
    found.set(mountpoint, capacityOf(match.slice(1).map(Number)));
    at += line.length;
  }
  if (at < text.length) throw new ParseError(source, text.slice(at), STATFS_FORMAT);
  return found;
}

function capacityOf(numbers: readonly number[]): Capacity {
  const [blockBytes = NaN, blocks = NaN, , available = NaN, files = NaN, filesFree = NaN] = numbers;
  return { size: bytes(blockBytes * blocks), available: bytes(blockBytes * available), files, filesFree };
}
