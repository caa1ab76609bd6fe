// The mounts reader over recorded and made machines, and what it makes of the answers to its questions for capacity.
import { mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { mounts } from '../../../agent/collectors/mounts.ts';
import { createCommandRunner, type CommandRequest, type CommandResult } from '../../../agent/command.ts';
import { writeTree } from '../../corpus/write-tree.ts';
import { expectFacts, machinesOf } from '../../doubles/facts.ts';
import { readAll, startReading, type Reading } from '../../doubles/reading.ts';

it.each(machinesOf('mounts'))('%s', async (machine) => {
  await expectFacts(mounts, machine);
});

type Answer = (request: CommandRequest) => CommandResult | Promise<CommandResult>;

const root = { device: '/dev/sda1', fstype: 'ext4', mountpoint: '/' };
const scratch = { device: '/dev/nvme0n1', fstype: 'xfs', mountpoint: '/scratch' };
const home = { device: 'filer:/home', fstype: 'nfs4', mountpoint: '/home' };
const lustre = { device: 'mgs@o2ib:/fs', fstype: 'lustre', mountpoint: '/lustre' };
const all = [root, scratch, home, lustre];

let directory: string;
let asked: CommandRequest[];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'whyidle-mounts-'));
  asked = [];
  mkdirSync(join(directory, 'proc/self'), { recursive: true });
  const lines = all.map(
    ({ device, fstype, mountpoint }, index) => `${index} 1 8:${index} / ${mountpoint} rw - ${fstype} ${device} rw\n`,
  );
  writeFileSync(join(directory, 'proc/self/mountinfo'), lines.join(''));
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(directory, { recursive: true, force: true });
});

const answered = (...mountpoints: readonly string[]): CommandResult => ({
  kind: 'done',
  exitCode: 0,
  stdout: mountpoints.map((mountpoint) => `4096 1000 400 300 50 20 ${mountpoint}\n`).join(''),
  stderr: '',
});
/** Everybody answers. */
const operandsOf = ({ args }: CommandRequest): readonly string[] => args.slice(args.indexOf('--') + 1);
const willing: Answer = (request) => answered(...operandsOf(request));

function start(answer: Answer): Reading {
  return startReading(mounts, directory, {
    commands: {
      run: async (request) => {
        asked.push(request);
        return answer(request);
      },
      stream: () => ({ pid: undefined, stop: () => undefined }),
      stuckPid: () => undefined,
      hangs: () => false,
      running: () => [],
      stopAll: () => undefined,
    },
  });
}

const capacity = (reading: Reading, labels: Readonly<Record<string, string>>) =>
  (
    [
      'filesystem_up',
      'filesystem_size_bytes',
      'filesystem_avail_bytes',
      'filesystem_files',
      'filesystem_files_free',
    ] as const
  ).map((id) => reading.value(id, labels));

const good = [1, 4096 * 1000, 4096 * 300, 50, 20];
const silent = (reason: string) => [0, reason, reason, reason, reason];
const unknown = (reason: string) => [reason, reason, reason, reason, reason];

describe('disks of a mount', () => {
  const disks = (reading: Reading, mountpoint: string) =>
    reading.snapshot.series.flatMap(({ id, labels }) =>
      id === 'filesystem_disk_info' && labels[0] === mountpoint ? [labels[1]] : [],
    );
  const zeros = `${'0 '.repeat(17)}\n`;
  const lay = (lines: readonly string[], files: Readonly<Record<string, string>> = {}): void => {
    writeTree(directory, {
      'proc/self/mountinfo': lines.map((line) => `${line}\n`).join(''),
      ...Object.fromEntries(['nvme0n1', 'nvme1n1', 'nvme2n1'].map((name) => [`sys/block/${name}/stat`, zeros])),
      ...files,
    });
  };

  it('a logical volume over a RAID of two drives stands on both', async () => {
    lay(
      ['36 1 253:0 / /scratch rw - xfs /dev/mapper/vg-scratch rw', '37 1 259:9 / /boot rw - ext4 /dev/nvme2n1p1 rw'],
      {
        'sys/block/dm-0/dm/name': 'vg-scratch\n',
        'sys/block/dm-0/slaves/md0': '',
        'sys/block/md0/slaves/nvme0n1': '',
        'sys/block/md0/slaves/nvme1n1': '',
      },
    );
    const reading = startReading(mounts, directory);
    await readAll(reading);
    expect([disks(reading, '/scratch'), disks(reading, '/boot')]).toEqual([['nvme0n1', 'nvme1n1'], ['nvme2n1']]);
  });

  it('btrfs names one of its devices and stands on all', async () => {
    lay(['36 1 0:40 /sub /data rw - btrfs /dev/nvme0n1p1 rw'], {
      'sys/fs/btrfs/7b1f3f0c/devices/nvme0n1p1': '',
      'sys/fs/btrfs/7b1f3f0c/devices/nvme2n1': '',
      'sys/fs/btrfs/features/raid1c34': '0\n',
    });
    const reading = startReading(mounts, directory);
    await readAll(reading);
    expect(disks(reading, '/data')).toEqual(['nvme0n1', 'nvme2n1']);
  });

  it('a network file system stands on none', async () => {
    lay(['36 1 0:40 / /data rw - nfs4 filer:/nvme0n1 rw']);
    const reading = startReading(mounts, directory);
    await readAll(reading);
    expect(disks(reading, '/data')).toEqual([]);
  });
});

describe('capacity', () => {
  it('one question for the local ones, one for each network file system', async () => {
    const reading = start(willing);
    await readAll(reading);
    expect(all.map((labels) => capacity(reading, labels))).toEqual([good, good, good, good]);
    expect(asked.map(({ kind }) => kind)).toEqual(['statfs:local', 'statfs:/home', 'statfs:/lustre']);
    expect(asked[0]).toMatchObject({ file: 'stat', args: ['-f', '-c', '%S %b %f %a %c %d %n', '--', '/', '/scratch'] });
  });

  it('a dead server hides nothing but itself', async () => {
    const reading = start((request) => (request.kind === 'statfs:/home' ? { kind: 'timed_out' } : willing(request)));
    await readAll(reading);
    expect(all.map((labels) => capacity(reading, labels))).toEqual([good, good, silent('timed_out'), good]);
    expect(reading.value('filesystem_readonly', home)).toBe(0);
  });

  it('a child that is stuck is the same silence', async () => {
    const reading = start((request) =>
      request.kind === 'statfs:/home' ? { kind: 'stuck', pid: 7 } : willing(request),
    );
    await readAll(reading);
    expect(capacity(reading, home)).toEqual(silent('timed_out'));
  });

  it('local ones are asked apart after one of them hung, and together again when all answer', async () => {
    let hangs = true;
    const reading = start((request) =>
      hangs && operandsOf(request).includes('/scratch') ? { kind: 'timed_out' } : willing(request),
    );
    await readAll(reading);
    expect([capacity(reading, root), capacity(reading, scratch)]).toEqual([silent('timed_out'), silent('timed_out')]);
    await reading.reader.read('slow');
    expect([capacity(reading, root), capacity(reading, scratch)]).toEqual([good, silent('timed_out')]);
    hangs = false;
    await reading.reader.read('slow');
    expect(capacity(reading, scratch)).toEqual(good);
    asked = [];
    await reading.reader.read('slow');
    expect(asked.map(({ kind }) => kind)).toContain('statfs:local');
  });

  it('a refusal, a stale handle and a mount that went away are told apart', async () => {
    const stderr = [
      "stat: cannot read file system information for '/scratch': Permission denied",
      "stat: cannot read file system information for '/home': Stale file handle",
      "stat: cannot read file system information for '/lustre': No such file or directory",
    ];
    const reading = start((request) => {
      const answer = answered(...operandsOf(request).filter((operand) => operand === '/'));
      return answer.kind === 'done' ? { ...answer, exitCode: 1, stderr: `${stderr.join('\n')}\n` } : answer;
    });
    await readAll(reading);
    expect(all.map((labels) => capacity(reading, labels))).toEqual([
      good,
      unknown('forbidden'),
      silent('not_present'),
      unknown('not_present'),
    ]);
  });

  it.each([
    ['no stat here', { kind: 'not_started', code: 'ENOENT', message: '' }, 'unsupported'],
    ['garbage', { kind: 'done', exitCode: 0, stdout: 'what?\n', stderr: '' }, 'malformed'],
  ] as const)('%s', async (_, result, reason) => {
    const reading = start(() => result);
    await readAll(reading);
    expect(capacity(reading, root)).toEqual(unknown(reason));
  });

  it('a file system without inodes of its own', async () => {
    const reading = start((request) => ({
      ...answered(),
      stdout: operandsOf(request)
        .map((operand) => `4096 1000 400 300 0 0 ${operand}\n`)
        .join(''),
    }));
    await readAll(reading);
    expect(capacity(reading, root)).toEqual([1, 4096 * 1000, 4096 * 300, 'unsupported', 'unsupported']);
  });

  it('a reading does not wait for a slow server, and its answer is entered when it comes', async () => {
    const { promise, resolve } = Promise.withResolvers<CommandResult>();
    const reading = start((request) => (request.kind === 'statfs:/home' ? promise : willing(request)));
    vi.useFakeTimers();
    await reading.reader.discover();
    const read = Promise.resolve(reading.reader.read('slow'));
    await vi.advanceTimersByTimeAsync(699);
    expect(capacity(reading, root)).toEqual(good);
    await vi.advanceTimersByTimeAsync(1);
    await read;
    expect(capacity(reading, home)).toEqual(unknown('not_present'));
    const again = Promise.resolve(reading.reader.read('slow'));
    await vi.advanceTimersByTimeAsync(700);
    await again;
    expect(asked.filter(({ kind }) => kind === 'statfs:/home')).toHaveLength(1);
    resolve(answered('/home'));
    await vi.advanceTimersByTimeAsync(0);
    expect(capacity(reading, home)).toEqual(good);
  });

  it('this machine: what stat says is what statfs says', async () => {
    const commands = createCommandRunner();
    const reading = startReading(mounts, '/', { commands });
    await readAll(reading);
    const shown = reading.snapshot.series.find(({ id, state }) => id === 'filesystem_size_bytes' && state === 0);
    const mountpoint = shown?.labels[2] ?? '';
    const { bsize, blocks, files } = statfsSync(mountpoint);
    expect(shown?.steps).toBe(bsize * blocks);
    expect(reading.value('filesystem_files', { mountpoint })).toBe(files);
    expect(reading.value('filesystem_up', { mountpoint })).toBe(1);
    commands.stopAll();
  });
});
