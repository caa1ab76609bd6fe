// Files of processes, cgroups and PCI devices: odd forms that kernels print, cuts, and line ends of another system.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAer } from '../../../agent/parse/aer.ts';
import { parseIoServiceBytes, parseIoStat } from '../../../agent/parse/cgroup-io.ts';
import { ParseError } from '../../../agent/parse/parse-error.ts';
import { SchedStatParser } from '../../../agent/parse/schedstat.ts';
import { TaskStatParser } from '../../../agent/parse/task-stat.ts';

const bytes = (text: string): Buffer => Buffer.from(text);
const stat = (name: string, state = 'S'): string =>
  `345 (${name}) ${state} 1 344 344 0 -1 4194560 591 0 0 0 26 31 0 0 20 -5 4 0 1550 149143552 1688 18446744073709551615 1\n`;

describe('proc/PID/stat', () => {
  const parser = new TaskStatParser();

  it.each(['python', 'tricky) R 1 (x', 'a b', ')', 'pt_data_worker', ''])('a process named %j', (name) => {
    const { state, cpuTicks, startTicks, name: read } = parser.parse(bytes(stat(name)), 'f');
    expect([state, cpuTicks, startTicks, read]).toEqual(['sleeping', 57, 1550, name]);
  });

  it.each([
    ['R', 'running'],
    ['D', 'blocked'],
    ['S', 'sleeping'],
    ['I', 'sleeping'],
    ['T', 'sleeping'],
    ['t', 'sleeping'],
    ['Z', 'ended'],
    ['X', 'ended'],
  ])('state %s', (letter, state) => {
    expect(parser.parse(bytes(stat('x', letter)), 'f').state).toBe(state);
    expect(parser.parseState(bytes(stat('x', letter)), 'f')).toBe(state);
  });

  it.each([
    '',
    '345 (x',
    '345 (x)',
    '345 (x) 1 2',
    '345 (x) S 1 2 3',
    stat('x').slice(0, stat('x').indexOf('50 149')),
    'x',
  ])('refuses %j', (text) => {
    expect(() => parser.parse(bytes(text), 'f')).toThrow(ParseError);
  });
});

describe('proc/PID/schedstat', () => {
  it('time on a CPU and waiting for one', () => {
    expect(new SchedStatParser().parse(bytes('1085210 780952 1\n'), 'f')).toEqual({ runNs: 1085210, waitNs: 780952 });
  });

  it.each(['', '1\n', '1 2', '1 x 3\n'])('refuses %j', (text) => {
    expect(() => new SchedStatParser().parse(bytes(text), 'f')).toThrow(ParseError);
  });
});

describe('aer_dev_*', () => {
  it('counts by name, exact at any size, without their sum', () => {
    expect([...parseAer(bytes('RxErr 1\nBadTLP 18446744073709551615\nTOTAL_ERR_COR 1\n'), 'f')]).toEqual([
      ['RxErr', 1],
      ['BadTLP', 18446744073709551615n],
    ]);
  });

  it.each(['', '\n', 'RxErr\n', 'RxErr x\n', 'RxErr 1\nBadT', 'TOTAL_ERR_COR 0\n'])('refuses %j', (text) => {
    expect(() => parseAer(bytes(text), 'f')).toThrow(ParseError);
  });
});

describe('bytes of a cgroup', () => {
  it('io.stat: fields in any order, devices without fields, an empty file', () => {
    const text = '259:0 rios=5 rbytes=10 wios=1 wbytes=20 cost.usage=7\n8:16 \n';
    expect(parseIoStat(bytes(text), 'f')).toEqual([{ device: '259:0', readBytes: 10, writtenBytes: 20 }]);
    expect(parseIoStat(bytes(''), 'f')).toEqual([]);
  });

  it('blkio.throttle.io_service_bytes: by device, totals left out', () => {
    const text = '8:0 Read 3\n8:0 Write 4\n8:0 Total 7\n253:1 Read 5\nTotal 12\n';
    expect(parseIoServiceBytes(bytes(text), 'f')).toEqual([
      { device: '8:0', readBytes: 3, writtenBytes: 4 },
      { device: '253:1', readBytes: 5, writtenBytes: 0 },
    ]);
  });

  it.each(['259 rbytes=1 wbytes=2\n', '259:0 rbytes=1\n', '259:0 rbytes=x wbytes=1\n'])('refuses %j', (text) => {
    expect(() => parseIoStat(bytes(text), 'f')).toThrow(ParseError);
  });
  it.each(['8:0 Read\n', 'sda Read 5\n', '8:0 Read x\n'])('refuses %j', (text) => {
    expect(() => parseIoServiceBytes(bytes(text), 'f')).toThrow(ParseError);
  });
});

const examples: readonly (readonly [string, string, (text: string) => unknown])[] = [
  ['stat', stat('x) y', 'D'), (text) => ({ ...new TaskStatParser().parse(bytes(text), 'f'), name: '' })],
  ['schedstat', '1085210 780952 1\n', (text) => ({ ...new SchedStatParser().parse(bytes(text), 'f') })],
  ['aer', 'RxErr 1\nBadTLP 20\nTOTAL_ERR_COR 21\n', (text) => [...parseAer(bytes(text), 'f')]],
  ['io.stat', '259:0 rbytes=10 wbytes=20 rios=1\n8:0 rbytes=0 wbytes=1\n', (text) => parseIoStat(bytes(text), 'f')],
  ['io_service_bytes', '8:0 Read 30\n8:0 Write 4\nTotal 34\n', (text) => parseIoServiceBytes(bytes(text), 'f')],
];

describe.each(examples)('%s', (_, text, parse) => {
  it('line ends of another system change nothing', () => {
    expect(parse(text.replaceAll('\n', '\r\n'))).toEqual(parse(text));
  });

  it('cut or overwritten: a value or a ParseError', () => {
    const cut = fc.nat(text.length).map((end) => text.slice(0, end));
    const overwritten = fc
      .tuple(fc.nat(text.length - 1), fc.string({ minLength: 1, maxLength: 3 }))
      .map(([at, insert]) => text.slice(0, at) + insert + text.slice(at + insert.length));
    fc.assert(
      fc.property(fc.oneof(cut, overwritten, fc.string()), (broken) => {
        try {
          expect(parse(broken)).toBeDefined();
        } catch (error) {
          expect(error).toBeInstanceOf(ParseError);
        }
      }),
      { numRuns: 300 },
    );
  });
});
