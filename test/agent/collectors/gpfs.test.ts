// The GPFS reader: when it asks mmpmon, and what each answer is worth.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { gpfs } from '../../../agent/collectors/gpfs.ts';
import { writeTree } from '../../corpus/write-tree.ts';
import { expectFacts, machinesOf } from '../../doubles/facts.ts';
import { PlayedCommands, printed, type CommandAnswer } from '../../doubles/played-commands.ts';
import { readAll, startReading, type Reading } from '../../doubles/reading.ts';

it.each(machinesOf('gpfs'))('%s', async (machine) => {
  await expectFacts(gpfs, machine);
});

let root: string;
let nowMs: number;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'whyidle-gpfs-'));
  nowMs = 0;
  writeTree(root, { 'usr/lpp/mmfs/bin/mmpmon': '' });
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

const line = (filesystem: string, readBytes: number): string =>
  `_fs_io_s_ _n_ 10.0.0.1 _nn_ node1 _rc_ 0 _t_ 1795000000 _tu_ 1 _cl_ site _fs_ ${filesystem} _d_ 8 _br_ ${readBytes} _bw_ 7 _oc_ 1 _cc_ 2 _rdc_ 3 _wc_ 4 _dir_ 5 _iu_ 6\n`;
const nothingMounted = '_fs_io_s_ _n_ 10.0.0.1 _nn_ node1 _rc_ 1 _t_ 1795000000 _tu_ 1 _cl_ - _fs_ -\n';

function start(answer: CommandAnswer): { readonly reading: Reading; readonly commands: PlayedCommands } {
  const commands = new PlayedCommands(answer);
  return { commands, reading: startReading(gpfs, root, { commands, monotonicMs: () => nowMs }) };
}

const scratch = { filesystem: 'scratch' };
const readBytes = (reading: Reading) => reading.value('gpfs_read_bytes_total', scratch);
const missing = (reading: Reading) => reading.labels('unavailable', { area: 'gpfs' })?.['reason'];

describe('asking', () => {
  it('only what reads, in a child with a deadline', async () => {
    const { reading, commands } = start(() => printed(line('scratch', 5)));
    await readAll(reading);
    expect(commands.lines).toEqual(['sh -c echo fs_io_s | /usr/lpp/mmfs/bin/mmpmon -p']);
    expect(commands.asked[0]).toMatchObject({ kind: 'mmpmon', timeoutMs: 5000 });
  });

  it('every ten seconds at most', async () => {
    const { reading, commands } = start(() => printed(line('scratch', 5)));
    for (; nowMs <= 20_000; nowMs += 5000) await reading.reader.discover();
    nowMs = 0;
    for (; nowMs <= 20_000; nowMs += 5000) await reading.reader.read('medium');
    expect(commands.asked).toHaveLength(3);
  });

  it('not at all where it is not installed', async () => {
    rmSync(join(root, 'usr'), { recursive: true });
    const { reading, commands } = start(() => printed(''));
    await readAll(reading);
    expect(commands.asked).toEqual([]);
    expect(missing(reading)).toBe('not_present');
  });

  it('each hour only where it may not', async () => {
    const { reading, commands } = start(() => printed('', 'mmpmon: Permission denied\n', 1));
    await readAll(reading);
    expect(missing(reading)).toBe('forbidden');
    nowMs = 3_599_000;
    await reading.reader.read('medium');
    expect(commands.asked).toHaveLength(1);
    nowMs = 3_600_000;
    commands.answer = () => printed(line('scratch', 9));
    await reading.reader.read('medium');
    expect([readBytes(reading), missing(reading)]).toEqual([9, undefined]);
  });
});

describe('answers', () => {
  it('file systems come and go', async () => {
    const { reading, commands } = start(() => printed(line('scratch', 5) + line('home', 6)));
    await readAll(reading);
    const operations = ['open', 'close', 'read', 'write'];
    expect(operations.map((operation) => reading.value('gpfs_operations_total', { ...scratch, operation }))).toEqual([
      1, 2, 3, 4,
    ]);
    expect(reading.value('gpfs_written_bytes_total', scratch)).toBe(7);
    commands.answer = () => printed(line('home', 8));
    nowMs = 10_000;
    await reading.reader.read('medium');
    expect([readBytes(reading), reading.value('gpfs_read_bytes_total', { filesystem: 'home' })]).toEqual([
      undefined,
      8,
    ]);
    commands.answer = () => printed(nothingMounted);
    nowMs = 20_000;
    await reading.reader.read('medium');
    expect(missing(reading)).toBe('not_present');
  });

  it.each([
    ['it does not answer', { kind: 'timed_out' as const }, 'timed_out'],
    ['it cannot be killed', { kind: 'stuck' as const, pid: 7 }, 'timed_out'],
    ['garbage', printed('what?\n'), 'malformed'],
    ['the daemon is down', printed('', 'mmpmon: Could not connect to the daemon\n', 1), 'not_present'],
  ])('%s: the last values do not stay', async (_, result, reason) => {
    const { reading, commands } = start(() => printed(line('scratch', 5)));
    await readAll(reading);
    commands.answer = () => result;
    nowMs = 10_000;
    await reading.reader.read('medium');
    expect(readBytes(reading)).toBe(reason);
  });
});
