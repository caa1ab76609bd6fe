// The loader itself: what it makes of each form in which trees were recorded. No corpus is needed here.
import { existsSync, lstatSync, mkdtempSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { layOutInto, type LaidOut } from './loader.ts';
import { unpackTtar } from './ttar.ts';
import { parseRecording, writeTree } from './write-tree.ts';

let tree: LaidOut | undefined;
afterEach(() => {
  tree?.remove();
  tree = undefined;
});

function layOutFiles(files: Readonly<Record<string, string>>): string {
  tree = layOutInto((root) => {
    writeTree(root, files);
  });
  return tree.root;
}

describe('layOutInto', () => {
  it('puts class/ and block/ below sys/ and leaves proc/ where it is', () => {
    const root = layOutFiles({
      'class/infiniband/mlx5_0/fw_ver': '1\n',
      'block/sda/size': '8\n',
      'proc/stat': 'cpu\n',
    });
    expect(readFileSync(join(root, 'sys/class/infiniband/mlx5_0/fw_ver'), 'utf8')).toBe('1\n');
    expect(readFileSync(join(root, 'sys/block/sda/size'), 'utf8')).toBe('8\n');
    expect(existsSync(join(root, 'class'))).toBe(false);
    expect(existsSync(join(root, 'proc/stat'))).toBe(true);
  });

  it('makes links of files that hold the way to another file of the tree, and of no others', () => {
    const root = layOutFiles({
      'sys/devices/a/value': '1\n',
      'sys/class/x/a': '../../devices/a',
      'sys/class/x/outside': '../../../../../../etc/hostname',
      'sys/class/x/text': '../../devices/a\n',
    });
    expect(readlinkSync(join(root, 'sys/class/x/a'))).toBe('../../devices/a');
    expect(readFileSync(join(root, 'sys/class/x/a/value'), 'utf8')).toBe('1\n');
    expect(lstatSync(join(root, 'sys/class/x/outside')).isFile()).toBe(true);
    expect(lstatSync(join(root, 'sys/class/x/text')).isFile()).toBe(true);
  });
});

describe('unpackTtar', () => {
  const directory = mkdtempSync(join(tmpdir(), 'whyidle-ttar-'));
  afterEach(() => {
    rmSync(directory, { recursive: true, force: true });
  });

  it('writes directories, files with and without a last newline, and links', () => {
    unpackTtar(
      [
        '# ttar - - -',
        'Directory: sys/empty',
        'Mode: 755',
        'Path: sys/a/value',
        'Lines: 2',
        '1',
        'Path: sys/not/a/path',
        'Mode: 644',
        'Path: sys/a/open',
        'Lines: 1',
        'xNULLBYTEyEOF',
        'Mode: 644',
        'Path: sys/link',
        'SymlinkTo: a',
        '',
      ].join('\n'),
      directory,
    );
    expect(lstatSync(join(directory, 'sys/empty')).isDirectory()).toBe(true);
    expect(readFileSync(join(directory, 'sys/link/value'), 'utf8')).toBe('1\nPath: sys/not/a/path\n');
    expect(readFileSync(join(directory, 'sys/a/open'), 'utf8')).toBe('x\0y');
  });

  it('refuses an archive that leads out of its directory', () => {
    expect(() => {
      unpackTtar('Directory: ../out\n', directory);
    }).toThrow('leads out');
  });
});

describe('parseRecording', () => {
  it('gives back newlines and leaves out what could not be read', () => {
    expect(
      parseRecording('/sys/a\t1~\n/sys/class/nvme/nvme0 /sys/b\tx y~z~\n/sys/c\tcat: /sys/c: No such file~\n/sys/d\n'),
    ).toEqual({ '/sys/a': '1\n', '/sys/b': 'x y\nz\n' });
  });
});
