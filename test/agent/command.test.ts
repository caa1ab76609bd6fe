// The command runner with real programs: deadlines, caps, groups, grandchildren, streams.
import { execFileSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createCommandRunner, type CommandRunner, type StreamEnd, type StreamRequest } from '../../agent/command.ts';
import { LineSplitter } from '../../agent/command/line-splitter.ts';
import { identifyProcess, isAlive } from '../../agent/command/process-state.ts';
import { eventually, isRunning, pidIn, writePrograms, type ProgramName, type Programs } from '../doubles/programs.ts';

let programs: Programs;
let runner: CommandRunner;

beforeAll(() => {
  programs = writePrograms();
});
afterAll(() => {
  programs.remove();
});
beforeEach(() => {
  runner = createCommandRunner();
});
afterEach(() => {
  runner.stopAll();
});

const run = (name: ProgramName, options: { args?: readonly string[]; timeoutMs?: number; maxBytes?: number } = {}) =>
  runner.run({ kind: name, file: programs.path(name), args: [], timeoutMs: 5000, ...options });

/** What a stream says, and its end. */
function follow(name: ProgramName, options: Partial<StreamRequest> = {}) {
  const lines: string[] = [];
  let ends = 0;
  const request = { kind: name, file: programs.path(name), args: [], ...options };
  const { promise, resolve } = Promise.withResolvers<StreamEnd>();
  const stream = runner.stream({
    ...request,
    onLine: (line) => {
      lines.push(line);
      options.onLine?.(line);
    },
    onEnd: (end) => {
      ends++;
      resolve(end);
    },
  });
  return { stream, lines, end: promise, ends: () => ends };
}

describe('run', () => {
  it('gives exit code, output and error output, in English', async () => {
    expect(await run('greets', { args: ['a b;$c'] })).toEqual({
      kind: 'done',
      exitCode: 3,
      stdout: 'C:a b;$c\n',
      stderr: 'oops\n',
    });
  });

  it('keeps the agent variables from the program', async () => {
    process.env['WHYIDLE_TEST_SECRET'] = 'canary';
    const result = await run('shows-environment');
    delete process.env['WHYIDLE_TEST_SECRET'];
    expect(result).toMatchObject({ kind: 'done', exitCode: 0 });
    expect(JSON.stringify(result)).not.toContain('canary');
    expect(JSON.stringify(result)).toContain('PATH=');
  });

  it('joins characters that arrive in two pieces', async () => {
    expect(await run('garbled')).toMatchObject({ stdout: 'grüße \ufffd\n' });
  });

  it('a program that is not there', async () => {
    const result = await runner.run({ kind: 'x', file: join(programs.directory, 'nobody'), args: [], timeoutMs: 1000 });
    expect(result).toMatchObject({ kind: 'not_started', code: 'ENOENT' });
  });

  it('a file that may not be executed', async () => {
    const file = join(programs.directory, 'plain');
    writeFileSync(file, 'text');
    chmodSync(file, 0o644);
    expect(await runner.run({ kind: 'x', file, args: [], timeoutMs: 1000 })).toMatchObject({
      kind: 'not_started',
      code: 'EACCES',
    });
  });

  it('a program that dies of a signal', async () => {
    expect(await run('dies-halfway')).toEqual({ kind: 'killed', signal: 'SIGSEGV' });
  });

  it('ends a flood at the cap', async () => {
    expect(await run('floods', { maxBytes: 100_000 })).toEqual({ kind: 'too_much_output' });
  });

  it.each(['sleeps-for-ever', 'ignores-sigterm'] as const)('%s: gives up at the deadline', async (name) => {
    const startMs = performance.now();
    expect(await run(name, { timeoutMs: 150 })).toEqual({ kind: 'timed_out' });
    expect(performance.now() - startMs).toBeLessThan(1500);
  });

  it('a child that waits for a FIFO can be killed and asked again', async () => {
    const fifo = join(programs.directory, 'fifo');
    execFileSync('mkfifo', [fifo]);
    const ask = () => run('reads-fifo', { args: [fifo], timeoutMs: 100 });
    expect([await ask(), await ask()]).toEqual([{ kind: 'timed_out' }, { kind: 'timed_out' }]);
  });

  it('kills the whole group at the deadline', async () => {
    const file = join(programs.directory, 'started.pid');
    const result = run('starts-grandchild', { args: [file], timeoutMs: 300 });
    await eventually('the grandchild has started', () => pidIn(file) > 0);
    const grandchild = pidIn(file);
    expect(isRunning(grandchild)).toBe(true);
    expect(await result).toEqual({ kind: 'timed_out' });
    await eventually('the grandchild is gone', () => !isRunning(grandchild));
  });

  it('does not wait for a grandchild that holds the pipe, and does not leave it behind', async () => {
    const file = join(programs.directory, 'left.pid');
    const startMs = performance.now();
    expect(await run('leaves-grandchild', { args: [file] })).toMatchObject({ kind: 'done', stdout: 'done\n' });
    expect(performance.now() - startMs).toBeLessThan(2000);
    await eventually('the grandchild is gone', () => !isRunning(pidIn(file)));
  });

  it('stopAll ends what runs', async () => {
    const file = join(programs.directory, 'stopped.pid');
    const result = run('starts-grandchild', { args: [file] });
    await eventually('the program has started', () => pidIn(file) > 0);
    runner.stopAll();
    expect(await result).toEqual({ kind: 'killed', signal: 'SIGKILL' });
    await eventually('the grandchild is gone', () => !isRunning(pidIn(file)));
  });
});

describe('stream', () => {
  it('gives whole lines, the last one also without a newline', async () => {
    const { lines, end } = follow('prints-lines');
    expect(await end).toEqual({ reason: 'exited', exitCode: 0, stderr: '' });
    expect(lines).toEqual(['one', 'two', 'three', 'last']);
  });

  it('a program that dies halfway gives no half line', async () => {
    const { lines, end } = follow('dies-halfway');
    expect(await end).toMatchObject({ reason: 'killed', exitCode: undefined });
    expect(lines).toEqual(['one', 'two']);
  });

  it('tells exit code and error output', async () => {
    expect(await follow('greets', { args: ['x'] }).end).toEqual({ reason: 'exited', exitCode: 3, stderr: 'oops\n' });
  });

  it('a line that is too long ends it', async () => {
    const { lines, end, stream } = follow('prints-long-line', { maxLineBytes: 1000 });
    expect((await end).reason).toBe('line_too_long');
    expect(lines).toEqual(['short']);
    await eventually('the program is gone', () => !isRunning(stream.pid ?? 0));
  });

  it('a program that is not there', async () => {
    const end = await follow('greets', { file: join(programs.directory, 'nobody') }).end;
    expect(end).toMatchObject({ reason: 'not_started', exitCode: undefined });
    expect(end.stderr).toContain('ENOENT');
  });

  it('stop ends it once and at once, and no line follows', async () => {
    const followed = follow('floods', {
      onLine: () => {
        if (followed.lines.length === 3) followed.stream.stop();
      },
    });
    expect(await followed.end).toMatchObject({ reason: 'stopped' });
    followed.stream.stop();
    runner.stopAll();
    await eventually('the program is gone', () => !isRunning(followed.stream.pid ?? 0));
    expect([followed.lines.length, followed.ends()]).toEqual([3, 1]);
  });
});

describe('a child that cannot be killed', () => {
  /** Nothing here can be made unkillable without the rights of root: so killing is taken away from the runner. */
  async function withoutKilling(use: () => Promise<void>): Promise<void> {
    const kill = process.kill.bind(process);
    process.kill = () => true;
    try {
      await use();
    } finally {
      process.kill = kill;
    }
  }

  it('is left behind, reported as stuck, and forgotten when it ends', async () => {
    const file = join(programs.directory, 'unkillable.pid');
    const request = { kind: 'driver', file: programs.path('starts-grandchild'), args: [file], timeoutMs: 150 };
    let pid = 0;
    await withoutKilling(async () => {
      expect(await runner.run(request)).toEqual({ kind: 'timed_out' });
      const second = await runner.run(request);
      expect(second.kind).toBe('stuck');
      pid = second.kind === 'stuck' ? second.pid : 0;
      expect(isRunning(pid)).toBe(true);
      expect(await follow('greets', { kind: 'driver' }).end).toMatchObject({ reason: 'stuck' });
      expect(await runner.run({ ...request, kind: 'other', file: programs.path('greets') })).toMatchObject({
        kind: 'done',
      });
    });
    process.kill(-pid, 'SIGKILL');
    await eventually('the child is gone', () => !isRunning(pid));
    expect(await runner.run({ ...request, file: programs.path('greets') })).toMatchObject({ kind: 'done' });
  });
});

describe('process state', () => {
  it('knows a process by number and start time', () => {
    const self = identifyProcess(process.pid);
    expect(self && isAlive(self)).toBe(true);
    expect(self && isAlive({ ...self, startTime: '1' })).toBe(false);
    expect(identifyProcess(4_194_305)).toBeUndefined();
  });
});

describe('LineSplitter', () => {
  it('gives the same lines wherever the bytes are cut', () => {
    const bytes = Buffer.from('grüße\n\nzwei\r\nrest');
    const whole = ['grüße', '', 'zwei', 'rest'];
    for (let cut = 0; cut <= bytes.length; cut++) {
      const lines: string[] = [];
      const splitter = new LineSplitter(100, (line) => lines.push(line));
      splitter.add(bytes.subarray(0, cut));
      splitter.add(bytes.subarray(cut));
      splitter.flush();
      expect(lines).toEqual(whole);
    }
  });

  it('refuses a line one byte too long, whole or in pieces', () => {
    const splitter = () => new LineSplitter(4, () => undefined);
    expect(splitter().add(Buffer.from('1234\n1234'))).toBe(true);
    expect(splitter().add(Buffer.from('12345\n'))).toBe(false);
    const pieces = splitter();
    expect([pieces.add(Buffer.from('123')), pieces.add(Buffer.from('45'))]).toEqual([true, false]);
  });
});
