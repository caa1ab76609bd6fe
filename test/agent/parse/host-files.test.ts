// Parsers of the host's files: odd forms that kernels print, and mutations that none prints.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isAbsent } from '#agent/contract';
import { BlockStatParser } from '../../../agent/parse/block-stat.ts';
import { parseCpuList } from '../../../agent/parse/cpulist.ts';
import { DiskstatsParser, parseDiskNames } from '../../../agent/parse/diskstats.ts';
import { KeyedCountsParser } from '../../../agent/parse/keyed-counts.ts';
import { parseLoadAverage } from '../../../agent/parse/loadavg.ts';
import { parseMountInfo } from '../../../agent/parse/mountinfo.ts';
import { NetDevParser } from '../../../agent/parse/net-dev.ts';
import { parseOsName } from '../../../agent/parse/os-release.ts';
import { ParseError } from '../../../agent/parse/parse-error.ts';
import { PressureParser } from '../../../agent/parse/pressure.ts';
import { ProcStatParser } from '../../../agent/parse/stat.ts';
import { parseStatfsOutput } from '../../../agent/parse/statfs-output.ts';

const bytes = (text: string): Buffer => Buffer.from(text);

describe('proc/stat', () => {
  it('keeps CPUs by number, gaps and all, and ignores guest time', () => {
    const stat = new ProcStatParser().parse(
      bytes('cpu  9 9\ncpu0 1 2 3 4 5 6 7 8 100 100\ncpu3 8 7 6 5 4 3 2 1\n'),
      'f',
    );
    expect(stat.cpus).toEqual([0, 3]);
    expect([...stat.times.slice(0, 8)]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect([...stat.times.slice(24, 32)]).toEqual([8, 7, 6, 5, 4, 3, 2, 1]);
    expect([stat.running, stat.blocked, stat.bootSeconds]).toEqual([undefined, undefined, undefined]);
  });

  it('columns that an old kernel lacks are 0', () => {
    const stat = new ProcStatParser().parse(bytes('cpu0 1 2 3 4\nbtime 5\n'), 'f');
    expect([...stat.times.slice(0, 8)]).toEqual([1, 2, 3, 4, 0, 0, 0, 0]);
    expect(stat.bootSeconds).toBe(5);
  });

  it.each(['', 'cpu  1 2 3 4\n', 'cpu0 1 x\n', 'cpu99999 1 2 3 4\n'])('refuses %j', (text) => {
    expect(() => new ProcStatParser().parse(bytes(text), 'f')).toThrow(ParseError);
  });
});

describe('proc/meminfo and vmstat', () => {
  const parser = new KeyedCountsParser(['Cached:', 'Dirty:', 'oom_kill ']);

  it('takes whole keys only', () => {
    const count = parser.parse(bytes('SwapCached: 9 kB\nCached:   5 kB\noom_kill_x 7\noom_kill 3'), 'f');
    expect([count('Cached:'), count('oom_kill ')]).toEqual([5, 3]);
    expect(count('Dirty:')).toMatchObject({ reason: 'unsupported' });
  });

  it('forgets what the pass before found', () => {
    parser.parse(bytes('Cached: 5 kB\nDirty: 1 kB\n'), 'f');
    const count = parser.parse(bytes('Cached: none\n'), 'f');
    expect(count('Cached:')).toMatchObject({ reason: 'malformed' });
    expect(isAbsent(count('Dirty:'))).toBe(true);
  });
});

describe('proc/net/dev', () => {
  const heads = 'Inter-| Receive\n face |bytes\n';
  const read = (text: string) => {
    const lines: [string, string][] = [];
    new NetDevParser().parse(bytes(heads + text), 'f', (line) => {
      lines.push([line.name, line.fields.join(' ')]);
    });
    return lines;
  };
  const numbers = Array.from({ length: 16 }, (_, index) => index + 1).join(' ');

  it('names with a colon, numbers glued to the name', () => {
    expect(read(`eth0:${numbers}\n  eth0:1: ${numbers}\n`)).toEqual([
      ['eth0', numbers],
      ['eth0:1', numbers],
    ]);
  });

  it('no interface at all', () => {
    expect(read('')).toEqual([]);
  });

  it.each([`eth0: 1 2 3\n`, 'eth0 1 2\n', `eth0: ${numbers.replace('7', 'x')}\n`])('refuses %j', (text) => {
    expect(() => read(text)).toThrow(ParseError);
  });
});

describe('block stat', () => {
  const row = (length: number): string => Array.from({ length }, (_, index) => index).join(' ');
  const fields = (text: string) => new BlockStatParser().parse(bytes(text), 'f').length;

  it('11, 15 and 17 fields, and those of a kernel to come', () => {
    expect([11, 15, 17, 19].map((length) => fields(`${row(length)}\n`))).toEqual([11, 15, 17, 17]);
  });

  it.each(['', row(10), `${row(10)} x`])('refuses %j', (text) => {
    expect(() => fields(text)).toThrow(ParseError);
  });

  it('does not keep fields of a longer row', () => {
    const parser = new BlockStatParser();
    parser.parse(bytes(row(17)), 'f');
    expect(parser.parse(bytes(row(11)), 'f')).toHaveLength(11);
  });
});

describe('proc/diskstats', () => {
  const text = `   8       0 sda 1 2 3 4 5 6 7 8 9 10 11\n   8       1 sda1 9 9 9 9 9 9 9 9 9 9 9\n`;

  it('finds the row of the device itself', () => {
    expect(new DiskstatsParser('sda').parse(bytes(text), 'f').join(' ')).toBe('1 2 3 4 5 6 7 8 9 10 11');
    expect(parseDiskNames(text)).toEqual(['sda', 'sda1']);
    expect(() => new DiskstatsParser('sd.').parse(bytes(text), 'f')).toThrow(ParseError);
  });
});

describe('small texts', () => {
  it('loadavg', () => {
    expect(parseLoadAverage(bytes('0.21 12.37 100.39 1/719 19737\n'), 'f')).toEqual([0.21, 12.37, 100.39]);
    expect(() => parseLoadAverage(bytes('0,21 0,37 0,39\n'), 'f')).toThrow(ParseError);
  });

  it('cpulist', () => {
    expect(parseCpuList('0-2,8,10-11\n', 'f')).toEqual([0, 1, 2, 8, 10, 11]);
    expect(parseCpuList('\n', 'f')).toEqual([]);
    for (const text of ['3-1', 'a', '1-', '0-99999999', '-1'])
      expect(() => parseCpuList(text, 'f')).toThrow(ParseError);
  });

  it('os-release', () => {
    expect(parseOsName('NAME="Rocky Linux"\nVERSION="9.4 (Blue Onyx)"\nPRETTY_NAME="Rocky Linux 9.4"\n')).toBe(
      'Rocky Linux 9.4',
    );
    expect(parseOsName("NAME=Arch\nVERSION='1 \\$x'\n")).toBe('Arch 1 $x');
    expect(parseOsName('# nothing\n')).toBe('');
  });

  it('pressure needs a total', () => {
    expect(new PressureParser().parse(bytes('full avg10=0.00 avg60=0.00 avg300=0.00 total=8494'), 'f')).toEqual({
      some: undefined,
      full: 8494,
    });
    expect(() => new PressureParser().parse(bytes('some avg10=0.00\n'), 'f')).toThrow(ParseError);
  });
});

describe('mountinfo', () => {
  it('optional fields, escapes, read-only by either option', () => {
    const text = [
      '36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 propagate_from:2 - ext3 /dev/root rw,errors=continue',
      String.raw`40 35 0:50 / /a\040b\134c\012d ro - nfs4 host:/x\011y rw`,
      '41 35 0:51 / /s\u00e4 rw - tmpfs - ro',
      '',
    ].join('\n');
    const found = parseMountInfo(text, 'f').map((mount) => [
      mount.mountpoint,
      mount.source,
      mount.root,
      mount.readonly,
    ]);
    expect(found).toEqual([
      ['/mnt2', '/dev/root', '/mnt1', false],
      ['/a b\\c\nd', 'host:/x\ty', '/', true],
      ['/s\u00e4', '-', '/', true],
    ]);
  });

  it.each(['1 2 8:1 / / rw ext4 /dev/sda rw', '1 2 x / / rw - ext4 /dev/sda rw', '1 2 8:1 / / rw -'])(
    'refuses %j',
    (line) => {
      expect(() => parseMountInfo(line, 'f')).toThrow(ParseError);
    },
  );
});

describe('stat -f', () => {
  const line = (mountpoint: string): string => `4096 10 5 4 3 2 ${mountpoint}\n`;

  it('leaves out who did not answer, and takes names as they are', () => {
    const points = ['/', '/gone', '/with\nnewline', '/4096 10 5 4 3 2 /x'];
    const found = parseStatfsOutput(line('/') + line('/with\nnewline') + line('/4096 10 5 4 3 2 /x'), points, 'f');
    expect([...found.keys()]).toEqual(['/', '/with\nnewline', '/4096 10 5 4 3 2 /x']);
    expect(found.get('/')).toEqual({ size: 40960, available: 16384, files: 3, filesFree: 2 });
  });

  it('refuses what was not asked for', () => {
    expect(() => parseStatfsOutput(line('/other'), ['/'], 'f')).toThrow(ParseError);
  });
});

describe('mutations', () => {
  const samples: readonly (readonly [string, (text: string) => unknown])[] = [
    [
      'cpu  1 2 3 4\ncpu0 1 2 3 4 5 6 7 8 9 10\nbtime 5\nprocs_running 1\n',
      (text) => new ProcStatParser().parse(bytes(text), 'f'),
    ],
    [
      'MemTotal: 5 kB\nCached: 3 kB\n',
      (text) => new KeyedCountsParser(['MemTotal:', 'Cached:']).parse(bytes(text), 'f')('Cached:'),
    ],
    ['some avg10=0.00 total=5\nfull avg10=0.00 total=6\n', (text) => new PressureParser().parse(bytes(text), 'f')],
    ['1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\n', (text) => new BlockStatParser().parse(bytes(text), 'f')],
    [
      'h\nh\n eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n',
      (text) => {
        new NetDevParser().parse(bytes(text), 'f', () => undefined);
      },
    ],
    ['22 27 8:1 / / rw,relatime - ext4 /dev/vda rw\n', (text) => parseMountInfo(text, 'f')],
    ['0-19,40-59\n', (text) => parseCpuList(text, 'f')],
    ['4096 10 5 4 3 2 /\n', (text) => parseStatfsOutput(text, ['/'], 'f')],
    ['0.1 0.2 0.3 1/2 3\n', (text) => parseLoadAverage(bytes(text), 'f')],
  ];

  it.each(samples)('%j: nothing but ParseError', (sample, parse) => {
    const cut = fc.nat(sample.length);
    const splice = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 5 }),
      fc.constantFrom('\0', '\r\n', '-', ',', '9'.repeat(30)),
    );
    fc.assert(
      fc.property(cut, cut, splice, (from, to, text) => {
        const mutated = sample.slice(0, from) + text + sample.slice(to);
        try {
          parse(mutated);
        } catch (error) {
          if (!(error instanceof ParseError)) throw error;
        }
      }),
      { seed: 20, numRuns: 300 },
    );
  });
});
