// The kernel log as a file that grows, as a FIFO, and through a played journalctl; where it may not be read.
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { absent, type Absence } from '#agent/contract';
import type { CommandRunner, CommandStream, StreamEnd, StreamRequest } from '../../../agent/command.ts';
import type { Log } from '../../../agent/log.ts';
import { KernelLog, type LoggedEvent } from '../../../agent/sources/kernel-log.ts';
import { journalIsReadable } from '../../../agent/sources/kernel-log/journal.ts';
import { Tree } from '../../../agent/sources/tree.ts';
import { ManualClock } from '../../doubles/manual-clock.ts';
import { asNobody } from '../../doubles/nobody.ts';

const BOOT_S = 1_790_000_000;
let base: string;
let root: string;
let clock: ManualClock;
let logs: KernelLog[];
let warnings: string[];

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'whyidle-kmsg-'));
  root = join(base, 'root');
  chmodSync(base, 0o755);
  write('proc/stat', `cpu  1 2\nbtime ${BOOT_S}\nprocesses 1\n`);
  // One hundred seconds after boot.
  clock = new ManualClock((BOOT_S + 100) * 1000);
  logs = [];
  warnings = [];
});
afterEach(() => {
  for (const log of logs) log.stop();
  rmSync(base, { recursive: true, force: true });
});

const host = (path: string): string => join(root, path);
function write(path: string, text: string): void {
  mkdirSync(join(host(path), '..'), { recursive: true });
  writeFileSync(host(path), text);
}
const record = (sequence: number, second: number, xid: number): string =>
  `4,${sequence},${second}000000,-;NVRM: Xid (PCI:0000:05:00): ${xid}, pid=9, name=x\n SUBSYSTEM=pci\n DEVICE=+pci:0000:05:00.0\n`;

const noting: Log = { info: () => undefined, warn: (message) => warnings.push(message) };

function start(tree: Tree = new Tree(root), commands?: Pick<CommandRunner, 'stream'>): KernelLog {
  const log = new KernelLog({
    tree,
    commands,
    monotonicMs: () => clock.monotonicMs(),
    wallMs: () => clock.wallMs(),
    log: noting,
  });
  logs.push(log);
  return log;
}

/** Xid, seconds since boot, and whether it is older than we are. */
const told = (events: readonly LoggedEvent[]): readonly (readonly unknown[])[] =>
  events.map((one) => [
    one.kind === 'xid' ? one.event.xid : one.event.sxid,
    one.event.timeMs / 1000 - BOOT_S,
    one.isHistory ? 'old' : 'new',
  ]);

describe('a file', () => {
  it('is history to its end, and news from there on', () => {
    write('dev/kmsg', `6,1,0,-;Linux version 6.1\n${record(2, 50, 31)}`);
    const log = start();
    expect(told(log.read())).toEqual([[31, 50, 'old']]);
    expect(log.state).toEqual({ kind: 'reading', from: 'kmsg' });
    expect(log.read()).toEqual([]);
    appendFileSync(host('dev/kmsg'), record(3, 99, 79) + record(4, 100, 79));
    expect(told(log.read())).toEqual([
      [79, 99, 'new'],
      [79, 100, 'new'],
    ]);
    expect(log.read()).toEqual([]);
  });

  it('may have half a record at its end', () => {
    write('dev/kmsg', '');
    const log = start();
    log.read();
    const text = record(1, 100, 48);
    appendFileSync(host('dev/kmsg'), text.slice(0, 30));
    expect(log.read()).toEqual([]);
    appendFileSync(host('dev/kmsg'), text.slice(30));
    expect(told(log.read())).toEqual([[48, 100, 'new']]);
  });

  it('that was written anew is read from its start', () => {
    write('dev/kmsg', record(7, 50, 31) + record(8, 51, 31));
    const log = start();
    log.read();
    write('dev/kmsg', record(1, 100, 48));
    expect(told(log.read())).toEqual([[48, 100, 'new']]);
  });

  it('dates what is new by our clock when the kernel’s has strayed', () => {
    write('dev/kmsg', '');
    const log = start();
    log.read();
    appendFileSync(host('dev/kmsg'), record(1, 40, 48));
    expect(told(log.read())).toEqual([[48, 100, 'new']]);
  });

  it('without a known boot time has no dates for what is old', () => {
    rmSync(host('proc/stat'));
    write('dev/kmsg', record(1, 40, 48));
    const log = start();
    expect(told(log.read())).toEqual([[48, Number.NaN, 'old']]);
    appendFileSync(host('dev/kmsg'), record(2, 41, 48));
    expect(told(log.read())).toEqual([[48, 100, 'new']]);
  });

  it('of garbage, zeros and lines without end holds no event and does no harm', () => {
    write(
      'dev/kmsg',
      `\0\0\0\n${'x'.repeat(200_000)}\n;;;\n4,x,y,-;NVRM: Xid (PCI:0000:05:00): 79\n${record(9, 50, 31)}`,
    );
    expect(told(start().read())).toEqual([[31, 50, 'old']]);
  });

  it('that is flooded is read in several goes, and all of it', () => {
    const lines = Array.from(
      { length: 60_000 },
      (_, index) => `4,${index},50000000,-;NVRM: Xid (PCI:0000:05:00): 31, ${'x'.repeat(80)}\n`,
    );
    write('dev/kmsg', lines.join(''));
    const log = start();
    const first = log.read().length;
    expect(first).toBeLessThan(60_000);
    expect(first + log.read().length + log.read().length).toBe(60_000);
  });

  it('is let go of at the end', () => {
    write('dev/kmsg', record(1, 40, 48));
    const log = start();
    log.read();
    log.stop();
    appendFileSync(host('dev/kmsg'), record(2, 100, 48));
    expect(log.read()).toEqual([]);
    log.stop();
  });
});

describe('a FIFO', () => {
  it('with and without a writer never blocks', () => {
    mkdirSync(host('dev'), { recursive: true });
    execFileSync('mkfifo', [host('dev/kmsg')]);
    const log = start();
    expect(log.read()).toEqual([]);
    const first = openSync(host('dev/kmsg'), 'w');
    expect(log.read()).toEqual([]);
    writeSync(first, record(1, 100, 79).slice(0, 20));
    expect(log.read()).toEqual([]);
    writeSync(first, record(1, 100, 79).slice(20));
    expect(told(log.read())).toEqual([[79, 100, 'new']]);
    closeSync(first);
    expect(log.read()).toEqual([]);
    const second = openSync(host('dev/kmsg'), 'w');
    writeSync(second, record(2, 101, 31));
    expect(told(log.read())).toEqual([[31, 101, 'new']]);
    closeSync(second);
  });
});

describe('a log that cannot be read', () => {
  it('that is not there is no fault, and is looked for again', () => {
    const log = start();
    expect(log.read()).toEqual([]);
    expect(log.state).toEqual({ kind: 'absent', reason: 'not_present', hint: '' });
    write('dev/kmsg', record(1, 100, 79));
    expect(log.read()).toEqual([]);
    clock.pass(60_000);
    expect(log.read()).toHaveLength(1);
    expect(warnings).toEqual([]);
  });

  it('that is forbidden is told once', () => {
    write('dev/kmsg', record(1, 100, 79));
    chmodSync(host('dev/kmsg'), 0);
    const log = start();
    asNobody(() => log.read());
    expect(log.state).toEqual({ kind: 'absent', reason: 'forbidden', hint: '' });
    clock.pass(60_000);
    asNobody(() => log.read());
    expect(warnings).toHaveLength(1);
  });

  it('that is a directory, or a link that leads out of the root', () => {
    mkdirSync(host('dev/kmsg'), { recursive: true });
    const directory = start();
    expect(directory.read()).toEqual([]);
    expect(directory.state).toMatchObject({ reason: 'malformed' });
    rmSync(host('dev/kmsg'), { recursive: true });
    writeFileSync(join(base, 'outside'), record(1, 100, 79));
    symlinkSync('../../outside', host('dev/kmsg'));
    const log = start();
    expect(log.read()).toEqual([]);
    expect(log.state).toMatchObject({ reason: 'not_present' });
  });

  it('below a root asks no journal', () => {
    const runner = new PlayedJournal();
    write('run/log/journal/abc/system.journal', '');
    start(new Tree(root), runner).read();
    expect(runner.requests).toEqual([]);
  });
});

/** A tree that says it is the host, so that the journal is asked; its kmsg is closed. */
class ClosedHost extends Tree {
  override get isHost(): boolean {
    return true;
  }

  override open(path: string): number | Absence {
    return path === 'dev/kmsg' ? absent('forbidden') : new Tree(this.root).open(path);
  }

  override names(path: string): readonly string[] {
    return new Tree(this.root).names(path);
  }

  override exists(path: string): boolean {
    return new Tree(this.root).exists(path);
  }
}

class PlayedJournal implements Pick<CommandRunner, 'stream'> {
  readonly requests: StreamRequest[] = [];
  stops = 0;

  stream(request: StreamRequest): CommandStream {
    this.requests.push(request);
    return { pid: 1, stop: () => this.stops++ };
  }

  print(second: number, message: string, cursor = `c${second}`): void {
    const time = String((BOOT_S + second) * 1e6);
    const fields = { __REALTIME_TIMESTAMP: time, __CURSOR: cursor, MESSAGE: message, SYSLOG_IDENTIFIER: 'kernel' };
    this.requests.at(-1)?.onLine(JSON.stringify(fields));
  }

  end(end: Partial<StreamEnd>): void {
    this.requests.at(-1)?.onEnd({ reason: 'exited', exitCode: 1, stderr: '', ...end });
  }
}

describe('the journal', () => {
  let journal: PlayedJournal;

  beforeEach(() => {
    journal = new PlayedJournal();
    write('run/log/journal/0123/system.journal', '');
  });

  it('is followed where kmsg is closed', () => {
    const log = start(new ClosedHost(root), journal);
    expect(log.read()).toEqual([]);
    expect(log.state).toEqual({ kind: 'reading', from: 'journal' });
    expect(journal.requests[0]?.args).toEqual(['-k', '-f', '-q', '--no-pager', '-o', 'json', '-n', '1000']);
    journal.print(50, 'NVRM: Xid (PCI:0000:05:00): 31, pid=9');
    journal.print(101, 'NVRM: Xid (PCI:0000:05:00): 79, pid=9');
    journal.requests[0]?.onLine('-- No entries --');
    expect(told(log.read())).toEqual([
      [31, 50, 'old'],
      [79, 101, 'new'],
    ]);
    expect(log.read()).toEqual([]);
    log.stop();
    expect(journal.stops).toBe(1);
  });

  it('that ends is followed again from where it was', () => {
    const log = start(new ClosedHost(root), journal);
    log.read();
    journal.print(101, 'usb 1-1: reset', 's=a;i=2');
    journal.print(102, 'NVRM: Xid (PCI:0000:05:00): 79', 's=a;i=3');
    journal.end({ exitCode: 0 });
    // What it still said is not lost.
    expect(log.read()).toHaveLength(1);
    expect(log.read()).toEqual([]);
    expect(log.state).toMatchObject({ kind: 'absent' });
    expect(log.read()).toEqual([]);
    expect(journal.requests).toHaveLength(1);
    clock.pass(60_000);
    log.read();
    expect(journal.requests[1]?.args.at(-1)).toBe('--after-cursor=s=a;i=3');
    expect(log.state).toMatchObject({ kind: 'reading' });
  });

  it('that cannot be opened either: says the one thing that helps', () => {
    rmSync(host('run/log'), { recursive: true });
    mkdirSync(host('run/systemd/journal'), { recursive: true });
    const log = start(new ClosedHost(root), journal);
    log.read();
    expect(journal.requests).toEqual([]);
    expect(log.state).toMatchObject({ kind: 'absent', reason: 'forbidden' });
    expect(log.state.kind === 'absent' && log.state.hint).toMatch(
      /^sudo usermod --append --groups systemd-journal \S+$/,
    );
  });

  it('is not to be had on a machine without one: the kernel’s setting is what closes kmsg', () => {
    rmSync(host('run'), { recursive: true });
    const log = start(new ClosedHost(root), journal);
    log.read();
    expect(log.state).toMatchObject({ reason: 'forbidden', hint: 'sudo sysctl kernel.dmesg_restrict=0' });
  });

  it('is readable if one of its files of the system is', () => {
    chmodSync(root, 0o755);
    const tree = new Tree(root);
    expect(asNobody(() => journalIsReadable(tree))).toBe(true);
    chmodSync(host('run/log/journal/0123/system.journal'), 0);
    expect(asNobody(() => journalIsReadable(tree))).toBe(false);
    write('var/log/journal/0123/system.journal', '');
    expect(asNobody(() => journalIsReadable(tree))).toBe(true);
  });
});
