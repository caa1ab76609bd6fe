// The tree reader: no link leads out of its root, nothing blocks, files that change, devices that come back.
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isAbsent, type Absence } from '#agent/contract';
import { Tree } from '../../../agent/sources/tree.ts';
import { asNobody } from '../../doubles/nobody.ts';

let base: string;
let tree: Tree;

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'whyidle-tree-'));
  mkdirSync(join(base, 'root/sys/class'), { recursive: true });
  writeFileSync(join(base, 'secret'), 'outside\n');
  tree = new Tree(join(base, 'root'));
});
afterEach(() => {
  tree.close();
  rmSync(base, { recursive: true, force: true });
});

const host = (path: string): string => join(base, 'root', path);
const write = (path: string, text: string): void => {
  writeFileSync(host(path), text);
};
const link = (path: string, target: string): void => {
  symlinkSync(target, host(path));
};
const textOf = (bytes: Buffer | Absence): string => (isAbsent(bytes) ? bytes.reason : bytes.toString());

describe('links', () => {
  it.each([
    ['up and out', '../../../../secret'],
    ['far up and out', '../'.repeat(30) + 'secret'],
    ['absolute', '/secret'],
    ['absolute and up', '/../secret'],
  ])('%s: does not leave the root', (_, target) => {
    link('sys/link', target);
    expect(textOf(tree.file('sys/link').read())).toBe('not_present');
    // The same name inside the root is what the link means.
    write('secret', 'inside\n');
    expect(textOf(tree.file('sys/link').read())).toBe('inside\n');
  });

  it('to the host by its full path leads nowhere', () => {
    link('sys/link', join(base, 'secret'));
    link('sys/directory', base);
    expect(textOf(tree.file('sys/link').read())).toBe('not_present');
    expect(tree.list('sys/directory')).toMatchObject({ reason: 'not_present' });
    expect(tree.exists('sys/directory/secret')).toBe(false);
  });

  it('a path with .. does not leave the root either', () => {
    expect(tree.text('sys/../../secret')).toMatchObject({ reason: 'not_present' });
    expect(tree.names('..')).toEqual(['sys']);
  });

  it('loops end', () => {
    link('sys/a', 'b');
    link('sys/b', 'a');
    link('sys/self', 'self/deeper');
    expect(tree.text('sys/a')).toMatchObject({ reason: 'malformed' });
    expect(tree.text('sys/self')).toMatchObject({ reason: 'malformed' });
  });

  it('as sysfs has them are followed, also through directories', () => {
    mkdirSync(host('sys/devices/pci0000:00/0000:01:00.0/net/eth0'), { recursive: true });
    write('sys/devices/pci0000:00/0000:01:00.0/net/eth0/mtu', '1500\n');
    link('sys/devices/pci0000:00/0000:01:00.0/net/eth0/device', '../../../0000:01:00.0');
    link('sys/class/eth0', '../devices/pci0000:00/0000:01:00.0/net/eth0');
    expect(tree.word('sys/class/eth0/mtu')).toBe('1500');
    expect(tree.word('sys/class/eth0/device/net/eth0/mtu')).toBe('1500');
    expect(tree.resolve('sys/class/eth0/device')).toBe('/sys/devices/pci0000:00/0000:01:00.0');
    expect(tree.resolve('sys/..')).toBe('/');
  });
});

describe('files that are none', () => {
  it('a FIFO does not block', () => {
    execFileSync('mkfifo', [host('sys/fifo')]);
    const startMs = performance.now();
    expect(isAbsent(tree.file('sys/fifo').read())).toBe(true);
    expect(performance.now() - startMs).toBeLessThan(500);
  });

  it('a directory in place of a file', () => {
    mkdirSync(host('sys/stat'));
    expect(isAbsent(tree.file('sys/stat').read())).toBe(true);
    expect(tree.word('sys/stat')).toBeUndefined();
  });

  it('a file in place of a directory', () => {
    write('sys/block', 'x');
    expect(tree.list('sys/block')).toMatchObject({ reason: 'not_present' });
    expect(tree.text('sys/block/sda/stat')).toMatchObject({ reason: 'not_present' });
  });

  it('a file that may not be read', () => {
    write('sys/private', 'x');
    chmodSync(base, 0o755);
    chmodSync(host('sys/private'), 0);
    asNobody(() => {
      expect(tree.text('sys/private')).toMatchObject({ reason: 'forbidden' });
    });
  });

  it('an empty root', () => {
    const empty = new Tree(join(base, 'nothing'));
    expect(empty.list('')).toMatchObject({ reason: 'not_present' });
    expect(empty.text('proc/stat')).toMatchObject({ reason: 'not_present' });
  });
});

describe('kept files', () => {
  it('see a new text through the descriptor they hold', () => {
    write('sys/value', '1\n');
    const file = tree.file('sys/value');
    const before = readdirSync('/proc/self/fd').length;
    expect(textOf(file.read())).toBe('1\n');
    write('sys/value', '22\n');
    expect(textOf(file.read())).toBe('22\n');
    write('sys/value', '3\n');
    expect(textOf(file.read())).toBe('3\n');
    expect(readdirSync('/proc/self/fd').length).toBe(before + 1);
    file.close();
    expect(readdirSync('/proc/self/fd').length).toBe(before);
  });

  it('are whole when they grow beyond a page and beyond the buffer', () => {
    write('sys/value', 'x');
    const file = tree.file('sys/value');
    expect(textOf(file.read())).toHaveLength(1);
    for (const length of [3071, 3072, 4096, 5000, 131_072, 400_000]) {
      write('sys/value', 'y'.repeat(length));
      expect(textOf(file.read())).toBe('y'.repeat(length));
    }
    appendFileSync(host('sys/value'), 'end');
    expect(textOf(file.read()).slice(-4)).toBe('yend');
    write('sys/value', 'short');
    expect(textOf(file.read())).toBe('short');
  });

  it('proc files of several pages come whole', () => {
    const machine = new Tree();
    const bytes = machine.file('proc/self/maps').read();
    expect(isAbsent(bytes) ? 0 : bytes.length).toBeGreaterThan(8192);
    machine.close();
  });

  it('appear when the device appears', () => {
    const file = tree.file('sys/late');
    expect(textOf(file.read())).toBe('not_present');
    write('sys/late', 'now\n');
    expect(textOf(file.read())).toBe('now\n');
  });

  it('of a device that was replaced: a file kept anew reads the new one', () => {
    write('sys/value', 'old\n');
    const file = tree.file('sys/value');
    expect(textOf(file.read())).toBe('old\n');
    rmSync(host('sys/value'));
    write('sys/value', 'new\n');
    file.close();
    expect(textOf(file.read())).toBe('new\n');
  });

  it('keep a refused read apart from a device that is gone', () => {
    // The kernel refuses to tell the speed of the loopback: EINVAL, every time.
    const machine = new Tree();
    const file = machine.file('sys/class/net/lo/speed');
    expect([textOf(file.read()), textOf(file.read())]).toEqual(['unsupported', 'unsupported']);
    machine.close();
  });
});
