// A node that is read by a shell loop shows what an agent on it would show: every collector over every recorded machine.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { absent, areas } from '#agent/contract';
import { systemClock } from '../../../agent/clock.ts';
import { collectors } from '../../../agent/collectors/index.ts';
import { rehearse } from '../../../agent/relay/readers.ts';
import { RemoteLoop } from '../../../agent/sources/remote/loop.ts';
import { RemoteTree } from '../../../agent/sources/remote-tree.ts';
import { Tree } from '../../../agent/sources/tree.ts';
import { corpusDirectory, layOut, type LaidOut } from '../../corpus/loader.ts';
import { readAll, startReading } from '../../doubles/reading.ts';
import { startLocalLoop, type LocalShell } from '../../doubles/ssh/local-loop.ts';
import { layStep } from '../../doubles/steps.ts';

const TIMEOUT_MS = 20_000;
const fixtures = join(import.meta.dirname, '../../fixtures');
const corpusTrees = [
  'infiniband/sysfs/nodeexporter-b',
  'nvme/procfs-sysfs/fixtures',
  'host/node_exporter',
  'host/node_exporter-sys',
];
const laidOut: LaidOut[] = existsSync(corpusDirectory) ? corpusTrees.map(layOut) : [];
afterAll(() => {
  for (const one of laidOut) one.remove();
});
const machines = [
  ...areas.filter((area) => existsSync(join(fixtures, area))).flatMap((area) => machinesOf(join(fixtures, area))),
  ...laidOut.map(({ root }, index) => [`corpus ${corpusTrees[index] ?? ''}`, root] as const),
];

function machinesOf(directory: string): readonly (readonly [string, string])[] {
  return readdirSync(directory)
    .map((name) => join(directory, name))
    .filter((path) => statSync(path).isDirectory())
    .map((path) => [relative(fixtures, path), existsSync(join(path, '0')) ? join(path, '0') : path] as const);
}

let root: string;
let shell: LocalShell;
let tree: RemoteTree;
let loop: RemoteLoop;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'whyidle-remote-'));
  open('/bin/sh');
});
afterEach(() => {
  shell.kill();
  rmSync(root, { recursive: true, force: true });
});

function open(...program: readonly string[]): void {
  shell = startLocalLoop(program);
  tree = new RemoteTree();
  loop = new RemoteLoop({ channel: shell, tree, clock: systemClock, node: 'node01', root });
}

async function learn(): Promise<void> {
  await loop.round(true, TIMEOUT_MS);
  for (;;) {
    await rehearse({ tree, clock: systemClock, intervalMs: 5000 });
    if (tree.questions.pending === 0) return;
    await loop.round(false, TIMEOUT_MS);
  }
}

/** Series as text. What differs: how the node was read, how long that took, and its kernel log, which is no file to be read. */
async function linesOf(area: string, of: Tree): Promise<readonly string[]> {
  const collector = collectors.find((one) => one.area === area);
  if (!collector) throw new Error(`no collector ${area}`);
  const reading = startReading(collector, root, { tree: of });
  await readAll(reading);
  const lines = reading
    .lines()
    .filter((line) => !/^infiniband_pass_seconds|kernel log/.test(line))
    .map((line) => line.replace(/^(node_info\{.*),(?:agent|ssh)\}/, '$1}'));
  await reading.reader.stop();
  return lines;
}

describe('the same as on the node', () => {
  it.each(machines)(
    '%s',
    async (_, step) => {
      layStep(step, root);
      await learn();
      const read = collectors.map(({ area }) => area).filter((area) => area !== 'process' && area !== 'jobs');
      for (const area of read) expect(await linesOf(area, tree), area).toEqual(await linesOf(area, new Tree(root)));
    },
    60_000,
  );
});

describe('one question', () => {
  beforeEach(() => {
    mkdirSync(join(root, 'sys/class'), { recursive: true });
    writeFileSync(join(root, 'sys/class/plain'), 'one\ntwo');
    writeFileSync(join(root, 'sys/class/empty'), '');
    writeFileSync(join(root, 'sys/class/long'), `${'7'.repeat(60)}\n`.repeat(300));
  });

  async function ask<T>(question: () => T): Promise<T> {
    question();
    await loop.round(false, TIMEOUT_MS);
    return question();
  }

  it.each([['/bin/sh'], ['/bin/bash']])('text, names and places by %s', async (program) => {
    shell.kill();
    open(program);
    expect(tree.text('sys/class/plain')).toEqual(absent('timed_out'));
    expect(await ask(() => tree.text('sys/class/plain'))).toBe('one\ntwo');
    expect(await ask(() => tree.text('/sys/class//./empty'))).toBe('');
    expect(await ask(() => tree.list('sys/class'))).toEqual(['empty', 'long', 'plain']);
    expect(await ask(() => tree.resolve('sys/class'))).toBe('/sys/class');
    expect(await ask(() => tree.exists('sys'))).toBe(true);
  });

  it('what is not there is not there, and no directory is a text', async () => {
    expect(await ask(() => tree.text('sys/nothing'))).toEqual(absent('not_present'));
    expect(await ask(() => tree.list('sys/class/plain'))).toEqual(absent('not_present'));
    expect(await ask(() => tree.text('sys/class'))).toEqual(new Tree(root).text('sys/class'));
    expect(await ask(() => tree.exists('dev'))).toBe(false);
  });

  it('a name that its listed directory lacks is not asked for', async () => {
    await ask(() => tree.list('sys/class'));
    const { size } = tree.questions;
    expect(tree.text('sys/class/other')).toEqual(absent('not_present'));
    expect(tree.questions.size).toBe(size);
  });

  it('a long text is whole, first from the shell and then from cat', async () => {
    const long = `${'7'.repeat(60)}\n`.repeat(300);
    expect(await ask(() => tree.text('sys/class/long'))).toBe(long);
    await loop.round(true, TIMEOUT_MS);
    expect(tree.text('sys/class/long')).toBe(long);
  });

  it('a file that is read again and again is read anew in every round', async () => {
    const file = tree.file('sys/class/plain');
    for (const text of ['1\n', '2\n', '3\n', '4\n']) {
      file.read();
      writeFileSync(join(root, 'sys/class/plain'), text);
      await loop.round(true, TIMEOUT_MS);
      const bytes = file.read();
      expect(Buffer.isBuffer(bytes) && bytes.toString()).toBe(text);
    }
    writeFileSync(join(root, 'sys/class/plain'), '5\n');
    await loop.round(false, TIMEOUT_MS);
    expect(tree.text('sys/class/plain')).toBe('5\n');
  });

  it('names cannot make the shell do anything', async () => {
    for (const name of ['$(touch hit)', '`touch hit`', ';touch hit', "'", '*', '%s%n', '-n', 'a b'])
      writeFileSync(join(root, 'sys/class', name), name);
    for (const name of ['$(touch hit)', '`touch hit`', ';touch hit', "'", '*', '%s%n', '-n', 'a b'])
      expect(await ask(() => tree.text(`sys/class/${name}`))).toBe(name);
    expect(await ask(() => tree.text('sys/class/line\nbreak'))).toEqual(absent('timed_out'));
    expect(existsSync(join(root, 'hit'))).toBe(false);
  });
});
