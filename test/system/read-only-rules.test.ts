// The rules of read-only.test.ts themselves: everything that is forbidden is told, and what our sources ask is among the
// questions, also where the programs are not installed and no trace shows it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { collectors } from '../../agent/collectors/index.ts';
import { createCommandRunner, type CommandRunner, type StreamRequest } from '../../agent/command.ts';
import { silentLog } from '../../agent/log.ts';
import { Dcgmi } from '../../agent/sources/dcgmi.ts';
import { JournalReader } from '../../agent/sources/kernel-log/journal.ts';
import { writeDcgmi } from '../doubles/dcgm/dcgmi.ts';
import { notInstalled, PlayedCommands } from '../doubles/played-commands.ts';
import { readAll, startReading } from '../doubles/reading.ts';
import { layOutEveryArea } from './every-area.ts';
import { faultsIn, isQuestion } from './read-only-rules.ts';
import { basename, parseTrace } from './read-only-trace.ts';

describe('what is a fault', () => {
  const faults = (program: string, ...lines: readonly string[]): readonly string[] => {
    const text = [start(`/usr/bin/${program}`), ...lines, ''].join('\n');
    // The one that started it all would be judged too: only what came after is of interest.
    return faultsIn(parseTrace(text, 100).slice(1), { folders: ['/tmp/own'] }).map(
      (fault) => fault.split(':')[0] ?? '',
    );
  };

  test.each([
    ['openat(AT_FDCWD</>, "/sys/class/net/ib0/mtu", O_WRONLY) = 3</sys/class/net/ib0/mtu>', 'opened for writing'],
    ['openat(AT_FDCWD</>, "/etc/hosts", O_RDWR|O_CLOEXEC) = -1 EACCES (Permission denied)', 'opened for writing'],
    ['openat(AT_FDCWD</srv>, "state", O_RDONLY|O_CREAT, 0666) = 3</srv/state>', 'opened for writing'],
    ['open("/dev/nvme0", O_RDWR) = 3</dev/nvme0>', 'opened for writing'],
    ['openat(AT_FDCWD</>, "/dev/infiniband/umad0", O_RDWR) = 3</dev/infiniband/umad0>', 'opened for writing'],
    ['openat(AT_FDCWD</>, "/dev/kmsg", O_WRONLY) = 3</dev/kmsg>', 'opened for writing'],
    ['openat2(AT_FDCWD</>, "/x", {flags=O_WRONLY, resolve=0}, 24) = 3</x>', 'opened for writing'],
    ['creat("/tmp/other", 0666) = 3</tmp/other>', 'opened for writing'],
    ['openat(AT_FDCWD</>, "/tmp/own/../x", O_WRONLY <unfinished ...>', 'opened for writing'],
    // A link in the own folder leads out of it.
    ['openat(AT_FDCWD</>, "/tmp/own/link", O_WRONLY) = 3</sys/kernel/x>', 'opened for writing'],
    ['mkdir("/var/lib/x", 0777) = 0', 'changed'],
    ['mkdir("x", 0777) = 0', 'changed'],
    ['unlinkat(5</var/log>, "messages", 0) = 0', 'changed'],
    ['rename("/tmp/own/a", "/etc/passwd") = 0', 'changed'],
    ['renameat2(AT_FDCWD</tmp/own>, "a", AT_FDCWD</>, "b", 0) = 0', 'changed'],
    ['ftruncate(3</var/log/messages>, 0) = 0', 'changed'],
    ['truncate("/etc/hosts", 0) = 0', 'changed'],
    ['fchmodat(AT_FDCWD</>, "/dev/infiniband/umad0", 0666) = 0', 'changed'],
    ['kill(1, SIGTERM) = 0', 'signalled'],
    ['kill(-1, SIGKILL) = 0', 'signalled'],
    ['pidfd_send_signal(9<anon_inode:[pidfd]>, SIGKILL, NULL, 0) = 0', 'ruled'],
    ['ioctl(3</dev/nvme0>, NVME_IOCTL_RESET) = 0', 'told a device'],
    ['ioctl(3</dev/infiniband/umad0>, _IOC(_IOC_READ|_IOC_WRITE, 0x1b, 0x1, 0x1c), 0x7ff) = 0', 'told a device'],
    ['syslog(4 /* SYSLOG_ACTION_READ_CLEAR */, "", 1024) = 0', 'ruled'],
    ['syslog(5 /* SYSLOG_ACTION_CLEAR */, NULL, 0) = 0', 'ruled'],
    ['syslog(6 /* SYSLOG_ACTION_CONSOLE_OFF */, NULL, 0) = 0', 'ruled'],
    ['umount2("/mnt", MNT_FORCE) = 0', 'ruled'],
    ['finit_module(3</lib/x.ko>, "", 0) = 0', 'ruled'],
    ['[ Process PID=7 runs in 32 bit mode. ]', 'not understood'],
  ])('%s', (line, why) => {
    expect(faults('node', line)).toEqual([why]);
  });

  test.each(['reboot', 'tee', 'ibportstate', 'sminfo', 'ibclearerrors', 'mst', 'modprobe', 'systemctl', 'umount'])(
    'starting %s',
    (program) => {
      expect(faults('node', start(`/usr/sbin/${program}`))).toEqual(['started']);
    },
  );

  test.each([
    ...['-R 4 1', '-r 4 1', '-x -R 4 1', '-xR 4 1', '-a 4', '-C mlx5_0 4 1', '4 1 0xffff'].map(flagsOf('perfquery')),
    ...['-k', '-K', '--clear-errors', '--clear-counts', '--counters -k', '-r', '--threshold-file /etc/x'].map(
      flagsOf('ibqueryerrors'),
    ),
    ...['--cache /etc/x', '-R'].map(flagsOf('ibnetdiscover')),
    ...['-l -R', '--load-cache x'].map(flagsOf('iblinkinfo')),
    ...['--gpu-reset', '-r', '-pm 1', '-pl 300', '-ac 877,1530', '-rac', '-lgc 1000', '-e 0', '-p 0', '-mig 1'].map(
      flagsOf('nvidia-smi'),
    ),
    ...['--query-gpu=name --format=csv -r', '-q -x -f /etc/x', 'nvlink -r 0', 'drain -m 1'].map(flagsOf('nvidia-smi')),
    ...['config --set -e 0', 'diag -r 3', 'policy --set 0,0', 'profile --pause', 'health -s a'].map(flagsOf('dcgmi')),
    ...['-k -f --rotate', '--vacuum-time=1s', '--flush'].map(flagsOf('journalctl')),
    ...['format /dev/nvme0', 'reset /dev/nvme0', 'sanitize /dev/nvme0', 'smart-log -o json /dev/nvme0 -f'].map(
      flagsOf('nvme'),
    ),
    ...['-s on /dev/nvme0', '-t long /dev/nvme0', '-jx /dev/sda'].map(flagsOf('smartctl')),
    ...['-p -i /etc/x', ''].map(flagsOf('mmpmon')),
    ...['-C', '-c', '-n 1'].map(flagsOf('dmesg')),
    ...['link set ib0 down', 'link show up dev x; reboot'].map(flagsOf('ip')),
    ...['other'].map(flagsOf('hostname')),
    ...['-t 4 --dump-bin /etc/x'].map(flagsOf('dmidecode')),
    ...['/tmp/x.js', '-e 1'].map(flagsOf('node')),
  ])('%s %s', (program, flags) => {
    expect(faults('node', start(`/usr/bin/${program}`, ...flags.split(' ')))).toEqual(['started']);
  });

  test.each([
    'echo 1 > /sys/x',
    'cat /proc/stat >>/etc/x',
    'lscpu; perfquery -R 4 1',
    'true && reboot',
    'dmesg | tee /etc/x',
    'echo "$(reboot)"',
    'echo `reboot`',
    'echo reset | /usr/lpp/mmfs/bin/mmpmon -p',
    'X=1 reboot',
    'sh -c reboot',
  ])('a shell with %s', (script) => {
    expect(faults('node', start('/bin/sh', '-c', script))).toEqual(['started']);
  });

  test('what a reader does is none', () => {
    expect(
      faults(
        'ibqueryerrors',
        'openat(AT_FDCWD</>, "/proc/stat", O_RDONLY|O_NONBLOCK|O_CLOEXEC) = 3</proc/stat>',
        'openat(AT_FDCWD</>, "/dev/null", O_WRONLY|O_CREAT|O_TRUNC, 0666) = 3</dev/null>',
        // A question to the subnet is written to this device, by its tools.
        'openat(AT_FDCWD</>, "/dev/infiniband/umad0", O_RDWR|O_NONBLOCK) = 3</dev/infiniband/umad0>',
        'ioctl(3</dev/infiniband/umad0>, _IOC(_IOC_READ|_IOC_WRITE, 0x1b, 0x1, 0x1c), 0x7ff) = 0',
        'chdir("/tmp/own") = 0',
        'mkdir("x", 0777) = 0',
        'openat(AT_FDCWD</tmp/own>, "x/y", O_WRONLY|O_CREAT, 0666) = 3</tmp/own/x/y>',
        'syslog(3 /* SYSLOG_ACTION_READ_ALL */, "x", 16392) = 1',
        'syslog(10 /* SYSLOG_ACTION_SIZE_BUFFER */) = 262144',
        'kill(-100, SIGKILL) = -1 ESRCH (No such process)',
        '--- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED} ---',
        start('/bin/sh', '-c', 'export LC_ALL=C; dmidecode -t 4 2>/dev/null | grep "Upgrade: a|b"; unset LC_ALL'),
        start('/bin/sh', '-c', 'echo fs_io_s | /usr/lpp/mmfs/bin/mmpmon -p'),
        start('/usr/sbin/perfquery', '-x', '4', '1'),
        start('/usr/bin/stat', '-f', '-c', '%S %b', '--', '/'),
      ),
    ).toEqual([]);
  });
});

describe('what is asked is a question', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'whyidle-questions-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  const isAllowed = ({ file, args }: Asked): boolean => isQuestion(basename(file), args);

  test('by the collectors of every area', async () => {
    layOutEveryArea(folder);
    const commands = new PlayedCommands(() => notInstalled);
    for (const collector of collectors) {
      const reading = startReading(collector, folder, { commands });
      await readAll(reading);
      await reading.reader.stop();
    }
    expect(commands.asked.filter((one) => !isAllowed(one))).toEqual([]);
    expect([...new Set(commands.asked.map(({ file }) => file))].toSorted()).toEqual(['nvme', 'sh', 'smartctl', 'stat']);
  });

  test('of the journal, at first and after a restart', () => {
    const asked: StreamRequest[] = [];
    const stream = (request: StreamRequest) => {
      asked.push(request);
      return { pid: undefined, stop: () => undefined };
    };
    const journal = new JournalReader({ commands: { stream }, wallMs: () => 0 });
    journal.read();
    asked[0]?.onLine(JSON.stringify({ __CURSOR: 's=1f;i=2;b=3e', __REALTIME_TIMESTAMP: '1000', MESSAGE: 'x' }));
    asked[0]?.onEnd({ reason: 'exited', exitCode: 0, stderr: '' });
    journal.read();
    journal.read();
    journal.read();
    expect(asked.map(({ file, args }) => [file, args.at(-1)])).toEqual([
      ['journalctl', '1000'],
      ['journalctl', '--after-cursor=s=1f;i=2;b=3e'],
    ]);
    expect(asked.filter((one) => !isAllowed(one))).toEqual([]);
  });

  test('of a host engine whose GPU is cut into instances', async () => {
    const asked: Asked[] = [];
    const commands = recording(createCommandRunner(), asked);
    const file = writeDcgmi(folder, 'mig');
    const source = new Dcgmi({ commands, file, intervalMs: 100, monotonicMs: () => 0, log: silentLog });
    source.keepRunning();
    await source.settle(15_000);
    source.stop();
    commands.stopAll();
    expect(asked.map(({ args }) => args[0])).toEqual(['discovery', 'discovery', 'profile', 'dmon']);
    expect(asked.filter((one) => !isAllowed(one))).toEqual([]);
  });
});

interface Asked {
  readonly file: string;
  readonly args: readonly string[];
}

function recording(runner: CommandRunner, asked: Asked[]): CommandRunner {
  return {
    run: (request) => {
      asked.push(request);
      return runner.run(request);
    },
    stream: (request) => {
      asked.push(request);
      return runner.stream(request);
    },
    stuckPid: (kind) => runner.stuckPid(kind),
    hangs: (kinds) => runner.hangs(kinds),
    running: () => runner.running(),
    stopAll: () => {
      runner.stopAll();
    },
  };
}

function flagsOf(program: string): (flags: string) => readonly [string, string] {
  return (flags) => [program, flags];
}

/** A program's start as strace prints it. */
function start(file: string, ...words: readonly string[]): string {
  const list = [file, ...words].map((word) => JSON.stringify(word));
  return `execve(${JSON.stringify(file)}, [${list.join(', ')}], 0x55f4db1e6ad8 /* 5 vars */) = 0`;
}
