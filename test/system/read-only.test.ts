// What the agent, its fabric sweeper and `whyidle fabric` open, make, change, start and signal while they read, as the kernel
// sees it: strace(1). Nothing is written but in the sweeper's own folder, and whatever is started gets questions only.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, globSync, lstatSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { preloadLibrary, startSubnet, wrapTools, type Subnet } from '../doubles/fabric/ibsim.ts';
import { leafGuid, renderFatTree } from '../doubles/fabric/net.ts';
import { leftOut } from '../left-out.ts';
import { missingPrograms } from '../real/programs.ts';
import { AgentProgram } from './gpu-agent.ts';
import { projectRoot, until } from './program.ts';
import { faultsIn } from './read-only-rules.ts';
import {
  basename,
  endTraced,
  openingOf,
  parseTrace,
  readTrace,
  startOf,
  straceTo,
  whyNoStrace,
  type TracedCall,
} from './read-only-trace.ts';

// Where Debian has infiniband-diags.
process.env['PATH'] = [process.env['PATH'], '/usr/sbin', '/sbin'].join(delimiter);
const noStrace = whyNoStrace();
if (noStrace !== undefined) leftOut('reading changes nothing', noStrace);
const preload = preloadLibrary();
const noSubnet =
  noStrace ??
  missingPrograms('ibsim', 'opensm', 'ibnetdiscover', 'iblinkinfo', 'ibqueryerrors', 'perfquery') ??
  (preload === undefined ? 'libumad2sim0 not installed' : undefined);
if (noSubnet !== undefined && noStrace === undefined) leftOut('reading a fabric changes nothing', noSubnet);

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

describe.skipIf(noStrace !== undefined)('reading changes nothing', { timeout: 60_000 }, () => {
  test('a recorded node with every area: no file is written, no program started', async () => {
    const root = join(scratch(), 'root');
    for (const machine of globSync(join(projectRoot, 'test/fixtures/*/*/0')).toSorted().toReversed())
      layOver(machine, root);
    const { agent, traces } = startTraced('--root', root, '--compat', 'node_exporter,dcgm-exporter');
    const page = await agent.pageWith('its readings', (one) => one.count('collector_up') > 0);
    // The slow lane, in which devices are looked for, has come again.
    await until('a whole cycle', () => (timesOpened(traces, join(root, 'sys/class/nvme')) > 2 ? true : undefined));
    await agent.page();
    await endTraced(agent);
    const trace = readTrace(traces);

    expect(faultsIn(trace, { folders: [] })).toEqual([]);
    expect(startedIn(trace)).toEqual(['node']);
    const missing = page.lines.flatMap(
      (line) => /^whyidle_unavailable\{.*area="(\w+)",.*name=""/.exec(line)?.[1] ?? [],
    );
    // Programs or a driver tell of these, and none is asked below a root.
    expect(missing.toSorted()).toEqual(['gpfs', 'gpu', 'process']);
  });

  test.skipIf(noSubnet !== undefined)('this host and its subnet', async () => {
    const folder = scratch();
    const { subnet, tools } = await openSubnet(folder);
    const fabric = ['--fabric', '--fabric-tools', tools];
    // Nobody is there: it tries again and again, and keeps nothing.
    const server = ['--server', 'http://127.0.0.1:1', '--state', join(folder, 'state')];
    const config = join(folder, 'agent.yaml');
    writeFileSync(config, 'fabric:\n  interval: 5s\n');
    const { agent, traces, temporary } = startTraced(...fabric, ...server, '--config', config);
    await until('a first round', () => (agent.log.includes('the fabric is read') ? true : undefined));
    await subnet.console(
      `PerformanceSet "S-${leafGuid(0)}"[1] PortCounters.PortXmitDiscards=640`,
      `PerformanceSet "S-${leafGuid(0)}"[1] PortCounters.PortRcvErrors=3`,
    );
    await until('details of a port', () =>
      readTrace(traces).some(({ line }) => /^execve\(.*perfquery", "-E"/.test(line)) ? true : undefined,
    );
    await agent.pageWith('file systems', (page) => page.count('filesystem_size_bytes') > 0);
    await endTraced(agent);
    const trace = readTrace(traces);

    expect(faultsIn(trace, { folders: [temporary] })).toEqual([]);
    // What it should have asked was asked: an empty trace proves nothing.
    expect(startedIn(trace)).toEqual(
      expect.arrayContaining(['ibnetdiscover', 'iblinkinfo', 'ibqueryerrors', 'lscpu', 'perfquery', 'sh', 'stat']),
    );
    expect(timesOpened(traces, '/proc/stat')).toBeGreaterThan(0);
    expect(existsSync(join(folder, 'state'))).toBe(false);
  });

  test.skipIf(noSubnet !== undefined)('whyidle fabric --once', async () => {
    const folder = scratch();
    const { tools } = await openSubnet(folder);
    const { launcher, traces, temporary } = newTrace();
    const whyidle = [process.execPath, join(projectRoot, 'server/cli/whyidle.ts'), 'fabric', '--once'];
    const [file, ...args] = [...launcher, ...whyidle, '--tools', tools, '--window', '100ms'];
    const child = spawn(file, args, { stdio: 'ignore' });
    await once(child, 'exit');
    const trace = readTrace(traces);

    expect(child.exitCode).toBe(0);
    expect(faultsIn(trace, { folders: [temporary] })).toEqual([]);
    expect(startedIn(trace)).toEqual(['iblinkinfo', 'ibnetdiscover', 'ibqueryerrors', 'node', 'perfquery']);
    // The sweeper's folder has gone with it.
    expect(globSync(join(temporary, '*'))).toEqual([]);
  });
});

describe.skipIf(noStrace !== undefined)('the trace shows what is done', () => {
  test('a shell that makes, moves, opens, signals and removes', () => {
    const { launcher, traces, temporary } = newTrace();
    const [old, other] = [join(temporary, 'old'), join(temporary, 'new')];
    const script = `: >${old}; chmod 600 ${old}; mv ${old} ${other}; mkdir ${old}; rm -r ${other} ${old}; kill -0 1`;
    const [file, ...args] = [...launcher, 'sh', '-c', script];
    spawnSync(file, args, { stdio: 'ignore' });
    const faults = faultsIn(readTrace(traces), { folders: [] });
    const told = faults.map((fault) => /^([\w ]+): (\w+)/.exec(fault)?.slice(1).join(' '));
    expect(new Set(told)).toEqual(
      new Set([
        'started sh',
        'opened for writing sh',
        'started chmod',
        'changed chmod',
        'started mv',
        'changed mv',
        'started mkdir',
        'changed mkdir',
        'started rm',
        'changed rm',
        'signalled sh',
      ]),
    );
  });
});

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
    ['syslog(SYSLOG_ACTION_READ_CLEAR, "", 1024) = 0', 'ruled'],
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

function flagsOf(program: string): (flags: string) => readonly [string, string] {
  return (flags) => [program, flags];
}

/** A program's start as strace prints it. */
function start(file: string, ...words: readonly string[]): string {
  const list = [file, ...words].map((word) => JSON.stringify(word));
  return `execve(${JSON.stringify(file)}, [${list.join(', ')}], 0x55f4db1e6ad8 /* 5 vars */) = 0`;
}

function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'whyidle-read-only-'));
  cleanups.push(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/** What is there already stays. */
function layOver(from: string, to: string): void {
  const filter = (source: string, target: string): boolean => {
    const there = lstatSync(target, { throwIfNoEntry: false });
    return there === undefined || (there.isDirectory() && lstatSync(source).isDirectory());
  };
  cpSync(from, to, { recursive: true, verbatimSymlinks: true, filter });
}

interface NewTrace {
  readonly launcher: readonly string[];
  readonly traces: string;
  /** The one folder that what is traced is given for its own files. */
  readonly temporary: string;
}

function newTrace(): NewTrace {
  const folder = scratch();
  const [traces, temporary] = [join(folder, 'traces'), join(folder, 'temporary')];
  mkdirSync(traces);
  mkdirSync(temporary);
  return { launcher: ['env', `TMPDIR=${temporary}`, ...straceTo(traces)], traces, temporary };
}

function startTraced(...args: readonly string[]): NewTrace & { readonly agent: AgentProgram } {
  const trace = newTrace();
  const agent = new AgentProgram(['--interval', '100ms', ...args], trace.launcher);
  cleanups.push(() => endTraced(agent));
  return { ...trace, agent };
}

async function openSubnet(folder: string): Promise<{ readonly subnet: Subnet; readonly tools: string }> {
  const [net, tools] = [join(folder, 'subnet.net'), join(folder, 'tools')];
  writeFileSync(net, renderFatTree({ hosts: 4, hostsPerLeaf: 2, spines: 1, uplinks: 1 }).text);
  const subnet = await startSubnet(net, preload ?? '');
  cleanups.push(() => subnet.stop());
  wrapTools(subnet, tools);
  return { subnet, tools };
}

/** Names of the programs that were started, each once. */
function startedIn(trace: readonly TracedCall[]): readonly string[] {
  const files = trace.flatMap((call) => (call.result.startsWith('0') ? (startOf(call)?.file ?? []) : []));
  return [...new Set(files.map(basename))].toSorted();
}

function timesOpened(traces: string, path: string): number {
  return readTrace(traces).filter((call) => openingOf(call)?.path === path).length;
}
