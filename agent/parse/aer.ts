// aer_dev_correctable, aer_dev_nonfatal, aer_dev_fatal of a PCI device: lines `NAME n`, the sum of them last.
// Documentation/ABI/testing/sysfs-bus-pci-devices-aer_stats.
import type { Steps } from '#agent/contract';
import { parseCount } from './bytes.ts';
import { ParseError } from './parse-error.ts';

/** Counts by the name of the error; the sum is left out. A line without a number spoils the file: it was cut. */
export function parseAer(bytes: Buffer, source: string): ReadonlyMap<string, Steps> {
  const counts = new Map<string, Steps>();
  const lines = bytes.toString('latin1').split('\n');
  for (const line of lines.filter((one) => one.trim() !== '')) {
    const [, name = '', count = ''] = /^(\w{1,40}) +(\d{1,20})\r?$/.exec(line) ?? [];
    if (name === '') throw new ParseError(source, line, 'the name of an error and a count');
    if (!name.startsWith('TOTAL_')) counts.set(name, parseCount(Buffer.from(count), source));
  }
  if (counts.size === 0) throw new ParseError(source, bytes.toString('latin1', 0, 80), 'lines of errors');
  return counts;
}
