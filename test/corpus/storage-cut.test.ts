// Texts of storage cut short anywhere, and with the line ends of another system: a part of the whole reading or one ParseError,
// never another number.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isAbsent } from '#agent/contract';
import { BlockStatParser } from '../../agent/parse/block-stat.ts';
import { parseLliteStats } from '../../agent/parse/llite-stats.ts';
import { parseFsIoS } from '../../agent/parse/mmpmon.ts';
import { parseMountInfo } from '../../agent/parse/mountinfo.ts';
import { parseMountStats } from '../../agent/parse/mountstats.ts';
import { parseNvidiaFsStats } from '../../agent/parse/nvidia-fs-stats.ts';
import { parseSmartLog } from '../../agent/parse/nvme-smart.ts';
import { ParseError } from '../../agent/parse/parse-error.ts';
import { hasCorpus } from './loader.ts';
import { readText } from './storage-corpus.ts';
import { smartPaths } from './storage-smart-facts.ts';

const present = hasCorpus('corpus/nvme and corpus/host cut short');

type Parse = (text: string, source: string) => unknown;

const llite = 'host/lustre-client-hpe/proc/fs/lustre/llite/lustrefs-ffff88105db50000/stats';
const lineTexts: readonly (readonly [string, Parse])[] = [
  ['host/node_exporter/proc/10/mountstats', parseMountStats],
  [llite, parseLliteStats],
  ['host/gpfs/mmpmon_fs_io_s.txt', parseFsIoS],
  ['host/nvidia-fs/stats-io-disabled.txt', parseNvidiaFsStats],
];
const documents: readonly (readonly [string, Parse])[] = smartPaths.map((path) => [path, parseSmartLog]);

function attempt<T>(parse: () => T): T | ParseError {
  try {
    return parse();
  } catch (error) {
    if (error instanceof ParseError) return error;
    throw error;
  }
}

/** Cuts at the edges and at many places between. */
function cutAnywhere(text: string, runs: number, check: (cut: string) => void): void {
  const bytes = Buffer.from(text);
  for (const length of [0, 1, bytes.length - 2, bytes.length - 1]) check(bytes.toString('utf8', 0, length));
  fc.assert(
    fc.property(fc.nat(bytes.length), (length) => {
      check(bytes.toString('utf8', 0, length));
    }),
    { numRuns: runs },
  );
}

/** Every value of the part stands in the whole at the same place, or is absent. */
function expectPart(part: unknown, whole: unknown): void {
  if (isAbsent(part) || part === undefined) return;
  if (part instanceof Map && whole instanceof Map) {
    for (const [key, value] of part) expectPart(value, whole.get(key));
  } else if (Array.isArray(part) && Array.isArray(whole)) {
    expect(part.length).toBeLessThanOrEqual(whole.length);
    for (const [index, value] of part.entries()) expectPart(value, whole[index]);
  } else if (typeof part === 'object' && part !== null && typeof whole === 'object' && whole !== null) {
    const values = new Map(Object.entries(whole));
    for (const [key, value] of Object.entries(part)) expectPart(value, values.get(key));
  } else {
    expect(part).toBe(whole);
  }
}

/** What tells one connection from another is read before the counts, and is shorter where its line was cut. */
const withoutConnection = (reading: unknown): unknown =>
  Array.isArray(reading)
    ? reading.map((one: unknown) => (typeof one === 'object' && one !== null ? { ...one, connection: undefined } : one))
    : reading;

describe.skipIf(!present)('cut short', () => {
  it.each(lineTexts)('%s: a part of the whole', (path, parse) => {
    const text = readText(path);
    const whole = withoutConnection(parse(text, path));
    let readings = 0;
    cutAnywhere(text, 400, (cut) => {
      const part = attempt(() => parse(cut, path));
      if (part instanceof ParseError) return;
      readings++;
      expectPart(withoutConnection(part), whole);
    });
    expect(readings).toBeGreaterThan(0);
  });

  it.each(documents)('%s: nothing but a ParseError', (path, parse) => {
    const text = readText(path).trimEnd();
    cutAnywhere(text.slice(0, -1), 40, (cut) => {
      expect(attempt(() => parse(cut, path))).toBeInstanceOf(ParseError);
    });
  });

  it('a line of stat: fewer fields, or a ParseError', () => {
    const text = readText(
      'nvme/procfs-sysfs/fixtures/sys/devices/pci0000:00/0000:00:02.1/0000:01:00.0/nvme/nvme0/nvme0n1/stat',
    );
    const parse: Parse = (cut, source) => [...new BlockStatParser().parse(Buffer.from(cut), source)];
    const whole = text.trim().split(/\s+/).map(Number);
    expect(parse(text, 'stat')).toEqual(whole);
    cutAnywhere(text, 100, (cut) => {
      const part = attempt(() => parse(cut, 'stat'));
      if (part instanceof ParseError || !Array.isArray(part)) return;
      // sysfs gives a line of stat whole; only its last number can have lost digits.
      expect(part.slice(0, -1)).toEqual(whole.slice(0, part.length - 1));
    });
  });

  it('mountinfo: the lines before the cut, or a ParseError', () => {
    const text =
      '36 35 98:0 / /mnt/a\\040b rw,noatime master:1 - ext4 /dev/sda1 rw\n41 22 0:45 / /data rw - nfs4 filer:/data rw\n';
    const whole = parseMountInfo(text, 'mountinfo');
    cutAnywhere(text, 100, (cut) => {
      const part = attempt(() => parseMountInfo(cut, 'mountinfo'));
      if (!(part instanceof ParseError)) expect(part[0]?.mountpoint ?? '/mnt/a b').toBe(whole[0]?.mountpoint);
    });
  });
});

describe.skipIf(!present)('with CR LF', () => {
  it.each([...lineTexts, ...documents])('%s reads the same', (path, parse) => {
    const text = readText(path);
    const other = text.replace(/\r?\n/g, '\r\n');
    expect(other).not.toBe(text);
    expect(parse(other, path)).toEqual(parse(text, path));
  });
});

describe.skipIf(!present)('one character changed', () => {
  it.each([...lineTexts, ...documents])('%s is read or refused, and nothing else happens', (path, parse) => {
    const text = readText(path);
    fc.assert(
      fc.property(
        fc.nat(text.length - 1),
        fc.constantFrom('\0', ' ', ':', '-', '"', '9', 'x', '\n'),
        (at, character) => {
          attempt(() => parse(text.slice(0, at) + character + text.slice(at + 1), path));
        },
      ),
      { numRuns: 40 },
    );
  });
});
