// mountstats: counts that went round, lines that lost their end, versions of the file.
import { describe, expect, it } from 'vitest';
import { absent } from '#agent/contract';
import { parseMountStats } from '../../../agent/parse/mountstats.ts';
import { ParseError } from '../../../agent/parse/parse-error.ts';

const mountOf = (lines: readonly string[]) =>
  parseMountStats(
    `device filer:/x mounted on /x with fstype nfs4 statvers=1.1\n${lines.join('\n')}\n`,
    'mountstats',
  )[0];
const malformed = absent('malformed');

describe('operations', () => {
  it.each([
    ['eight numbers', '\t        READ: 10 12 1 100 200 3 40 50', [10, 2, 1, 3, 40, 50]],
    ['nine, the last of them errors', '\t        READ: 10 12 1 100 200 3 40 50 7', [10, 2, 1, 3, 40, 50]],
    ['blanks for the tab', '                READ: 10 12 1 100 200 3 40 50', [10, 2, 1, 3, 40, 50]],
    ['a queue time below zero', '\tREAD: 10 12 1 100 200 18446744073709551615 40 50', [10, 2, 1, malformed, 40, 50]],
    ['fewer transmissions than operations', '\tREAD: 10 9 1 100 200 3 40 50', [10, malformed, 1, 3, 40, 50]],
    ['beyond 2^53', '\tREAD: 9007199254740993 9007199254740995 0 0 0 0 0 0', [9007199254740993n, 2, 0, 0, 0, 0]],
    ['too few numbers', '\tREAD: 10 12', [10, 2, malformed, malformed, malformed, malformed]],
    ['no numbers', '\tREAD: -1 x 1.5 0 0 0 0 0', [malformed, malformed, malformed, 0, 0, 0]],
  ])('%s', (_, line, expected) => {
    const counts = mountOf([line])?.operations.get('READ');
    expect(counts && Object.values(counts)).toEqual(expected);
  });

  it('only the four that are shown, by their whole name', () => {
    const mount = mountOf([
      '\tREADLINK: 1 1 0 0 0 0 0 0',
      '\tOPEN_NOATTR: 1 1 0 0 0 0 0 0',
      '\tGETATTR: 2 2 0 0 0 0 0 0',
    ]);
    expect([...(mount?.operations.keys() ?? [])]).toEqual(['GETATTR']);
  });
});

describe('mounts', () => {
  it('data of the server, not of the page cache', () => {
    expect(mountOf(['\tbytes:\t1 2 3 4 50 60 7 8 '])).toMatchObject({ readBytes: 50, writtenBytes: 60 });
    expect(mountOf([])).toMatchObject({ readBytes: absent('unsupported') });
    expect(mountOf(['\tbytes:\t1 2'])).toMatchObject({ readBytes: malformed });
  });

  it('escaped names, other file systems beside them', () => {
    const text =
      'device sysfs mounted on /sys with fstype sysfs\nno device mounted on /run with fstype tmpfs\n' +
      'device filer:/a\\040b mounted on /c\\011d with fstype nfs statvers=1.0\n';
    expect(parseMountStats(text, 'mountstats')).toMatchObject([{ export: 'filer:/a b', mountpoint: '/c\td' }]);
  });

  it('none of NFS', () => {
    expect(parseMountStats('device sysfs mounted on /sys with fstype sysfs\n', 'mountstats')).toEqual([]);
  });

  it('a line without its end does not count', () => {
    const text = 'device filer:/x mounted on /x with fstype nfs4 statvers=1.1\n\tbytes:\t1 2 3 4 50 6';
    expect(parseMountStats(text, 'mountstats')[0]?.readBytes).toEqual(absent('unsupported'));
  });

  it.each(['', 'x', 'READ: 1 2 3\n', '\n\n'])('%j is no mountstats', (text) => {
    expect(() => parseMountStats(text, 'mountstats')).toThrow(ParseError);
  });
});
