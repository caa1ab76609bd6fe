// What Lustre, GPFS and GPUDirect Storage print: units, versions, what is refused.
import { describe, expect, it } from 'vitest';
import { absent } from '#agent/contract';
import { parseLliteStats } from '../../../agent/parse/llite-stats.ts';
import { parseFsIoS } from '../../../agent/parse/mmpmon.ts';
import { parseNvidiaFsStats } from '../../../agent/parse/nvidia-fs-stats.ts';
import { ParseError } from '../../../agent/parse/parse-error.ts';

describe('llite stats', () => {
  it('operations in [regs], [reqs] and [usecs]; bytes and pages are none', () => {
    const text =
      'snapshot_time 1.2 secs.nsecs\nopen 1 samples [regs]\nioctl 2 samples [reqs]\nread 3 samples [usecs] 1 2 3 4\n' +
      'osc_read 4 samples [bytes] 1 2 3 4\nbrw_read 5 samples [pages] 1 2 3\n';
    expect([...parseLliteStats(text, 'stats').operations]).toEqual([
      ['open', 1],
      ['ioctl', 2],
      ['read', 3],
    ]);
  });

  it('bytes are the sum, with or without the sum of squares, and unknown before the first use', () => {
    const of = (line: string) => parseLliteStats(`${line}\n`, 'stats').readBytes;
    expect(of('read_bytes 2 samples [bytes] 10 20 30')).toBe(30);
    expect(of('read_bytes 2 samples [bytes] 10 20 30 500')).toBe(30);
    expect(of('read_bytes 2 samples [bytes] 10 20 18446744073709551615')).toBe(2n ** 64n - 1n);
    expect(of('open 2 samples [regs]')).toBeUndefined();
  });

  it.each(['', 'open 2 samples [regs]', 'open two samples [regs]\n', 'read_bytes 2 samples [bytes]\n', 'open\n'])(
    '%j is refused',
    (text) => {
      expect(() => parseLliteStats(text, 'stats')).toThrow(ParseError);
    },
  );
});

describe('mmpmon', () => {
  const line = (changes = '') =>
    `_fs_io_s_ _n_ 10.0.0.1 _nn_ n1 _rc_ 0 _t_ 1 _tu_ 2 _cl_ c _fs_ fs1 _d_ 1 _br_ 18446744073709551615 _bw_ 2 _oc_ 3 _cc_ 4 _rdc_ 5 _wc_ 6 _dir_ 7 _iu_ 8${changes}\n`;

  it('a count of 64 bits, and keys of later versions', () => {
    expect(parseFsIoS(line(' _new_ 9'), 'mmpmon')).toEqual([
      { filesystem: 'fs1', readBytes: 2n ** 64n - 1n, writtenBytes: 2, opens: 3, closes: 4, reads: 5, writes: 6 },
    ]);
  });

  it('nothing mounted is none; other lines beside the answers do not matter', () => {
    expect(parseFsIoS('_fs_io_s_ _n_ 10.0.0.1 _nn_ n1 _rc_ 1 _t_ 1 _tu_ 2 _cl_ - _fs_ -\n', 'mmpmon')).toEqual([]);
    expect(parseFsIoS(`_ver_ _n_ 10.0.0.1\n${line()}`, 'mmpmon')).toHaveLength(1);
  });

  it.each([
    ['nothing', ''],
    ['another request', '_io_s_ _n_ 10.0.0.1 _rc_ 0 _br_ 1\n'],
    ['a failure', line().replace('_rc_ 0', '_rc_ 22')],
    ['a key without its number', line().replace('_bw_ 2', '_bw_ x')],
    ['a file system without a name', line().replace('_fs_ fs1 ', '')],
    ['a line without its end', line().trimEnd()],
  ])('%s is refused', (_, text) => {
    expect(() => parseFsIoS(text, 'mmpmon')).toThrow(ParseError);
  });
});

describe('nvidia-fs stats', () => {
  const unsupported = absent('unsupported');

  it('an old driver: no word of accounting, megabytes by another name', () => {
    const text =
      'NVFS statistics(ver:1.0)\nActive Shadow-Buffer (MB): 256\nReads : n=9 ok=9 err=0 readMB=3\nWrites : n=0 ok=0 err=0 writeMB=0\nOps : Read=1 Write=2\n';
    expect(parseNvidiaFsStats(text, 'stats')).toEqual({
      accounting: true,
      readBytes: 3 * 1_048_576,
      writtenBytes: 0,
      readsNow: 1,
      writesNow: 2,
      shadowBuffers: 256,
    });
  });

  it('accounting off: bytes are unknown even where a line has some', () => {
    const text = 'NVFS statistics(ver: 4.0)\nIO stats: Disabled, peer IO stats: Enabled\nReads : n=0 readMiB=0\n';
    expect(parseNvidiaFsStats(text, 'stats')).toMatchObject({
      accounting: false,
      readBytes: unsupported,
      writtenBytes: unsupported,
      readsNow: unsupported,
    });
  });

  it('sparse reads are not the reads', () => {
    const text =
      'NVFS statistics(ver: 4.0)\nIO stats: Enabled, peer IO stats: Disabled\nSparse Reads : n=7 readMiB=7\nReads : n=1 readMiB=5 io_state_err=0\nReads : Bandwidth(MiB/s)=9\n';
    expect(parseNvidiaFsStats(text, 'stats')).toMatchObject({ readBytes: 5 * 1_048_576, writtenBytes: unsupported });
  });

  it('garbled counts are malformed', () => {
    const text = 'NVFS statistics(ver: 4.0)\nIO stats: Perhaps\nOps : Read=-1 Write=2\nReads : readMiB=1\n';
    expect(parseNvidiaFsStats(text, 'stats')).toMatchObject({
      accounting: absent('malformed'),
      readBytes: absent('malformed'),
      readsNow: absent('malformed'),
      writesNow: 2,
    });
  });

  it.each(['', 'NVFS statistics(ver: 4.0)', 'IO stats: Enabled\n'])('%j is refused', (text) => {
    expect(() => parseNvidiaFsStats(text, 'stats')).toThrow(ParseError);
  });
});
