// One run of a tool: when its answer counts, and what is said when it gives none.
import { describe, expect, test } from 'vitest';
import { createCommandRunner } from '../../../agent/command.ts';
import { systemClock } from '../../../agent/clock.ts';
import { ToolRunner, type ToolResult } from '../../../agent/fabric/tool-runner.ts';
import type { LineParser } from '../../../agent/parse/fabric/line-parser.ts';
import { ParseError } from '../../../agent/parse/parse-error.ts';
import { PlayedTools, type Answer } from '../../doubles/fabric/played-tools.ts';
import { ManualClock, settle } from '../../doubles/manual-clock.ts';

/** Takes numbers, one a line; whole with the word `end`. */
function numbers(): LineParser<readonly string[]> {
  const found: string[] = [];
  return {
    line: (text) => {
      if (text !== 'end' && !/^\d+$/.test(text)) throw new ParseError('numbers', text, 'a number');
      found.push(text);
    },
    end: () => found,
  };
}

const run = {
  file: 'tool',
  args: ['-x'],
  timeoutMs: 5000,
  isWhole: (found: readonly string[]) => found.includes('end'),
};

async function play(answer: Answer, clock = new ManualClock()): Promise<ToolResult<readonly string[]>> {
  const tools = new PlayedTools();
  tools.set('tool', answer);
  const result = new ToolRunner({ commands: tools, clock, env: {}, cwd: '/' }).run({ ...run, parser: numbers() });
  await settle();
  await clock.advance(5000);
  return result;
}

describe('an answer', () => {
  test.each([0, 1])('counts when it is whole, whatever the exit code (%d)', async (exitCode) => {
    expect(await play({ stdout: '1\n2\nend\n', stderr: 'attached', exitCode })).toEqual({
      ...{ kind: 'read', value: ['1', '2', 'end'], stderr: 'attached' },
    });
  });

  test('that ends too early is none, although the tool says it is done', async () => {
    expect(await play({ stdout: '1\n' })).toMatchObject({
      ...{ kind: 'failed', reason: 'it ended with code 0 before it was done' },
    });
  });

  test('that cannot be read ends the tool', async () => {
    expect(await play({ stdout: '1\nx\n2\nend\n', hangs: true })).toMatchObject({
      ...{ kind: 'failed', reason: 'numbers: expected a number, found "x"' },
    });
  });
});

describe('no answer', () => {
  test('within the time', async () => {
    expect(await play({ stdout: '1\n', hangs: true })).toMatchObject({
      kind: 'failed',
      reason: 'no answer within 5 s',
    });
  });

  test('but more than anybody would read', async () => {
    const stdout = `${`${'1'.repeat(999_999)}\n`.repeat(33)}end\n`;
    expect(await play({ stdout })).toMatchObject({ kind: 'failed', reason: 'it prints more than 32 MB' });
  });

  test.each([
    [{ reason: 'stuck' }, 'an earlier one hangs in the kernel and cannot be ended'],
    [{ reason: 'killed' }, 'it was ended from outside'],
    [{ reason: 'not_started', stderr: 'spawn tool ENOENT' }, 'it cannot be started: spawn tool ENOENT'],
    [
      { stderr: "ibwarn: [7] get_abi_version: can't read ABI version from /sys/class/infiniband_mad/abi_version\n" },
      'no /dev/infiniband/umad* can be opened: no InfiniBand port is active here, or ib_umad is not loaded',
    ],
    [
      { stderr: 'ibpanic: [7] main: open(/dev/infiniband/umad0): Permission denied\n' },
      '/dev/infiniband/umad* may not be opened by this user',
    ],
    [
      { stderr: 'first\nlast words\nibwarn: [1] sim_connect: attached as client 1\n', exitCode: 255 },
      'it ended with code 255: last words',
    ],
  ] as const)('%o', async (answer, reason) => {
    expect(await play(answer)).toMatchObject({ kind: 'failed', reason });
  });
});

describe('a real program', () => {
  test('gets the variables it was given, in the folder it was given', async () => {
    process.env['WHYIDLE_SECRET'] = 'secret';
    const runner = new ToolRunner({
      ...{ commands: createCommandRunner(), clock: systemClock, env: { SIM_HOST: '17' }, cwd: '/usr' },
    });
    const script = 'test "$(pwd)" = /usr && test -z "$WHYIDLE_SECRET" && echo "$SIM_HOST" && echo end';
    const result = await runner.run({ ...run, file: '/bin/sh', args: ['-c', script], parser: numbers() });
    delete process.env['WHYIDLE_SECRET'];
    expect(result).toMatchObject({ kind: 'read', value: ['17', 'end'] });
  });

  test('that is not done in time is killed, and the next one runs', async () => {
    const clock = new ManualClock();
    const commands = createCommandRunner();
    const slow = new ToolRunner({ commands, clock, env: {}, cwd: '/' });
    const result = slow.run({ ...run, file: '/bin/sh', args: ['-c', 'sleep 1000 & sleep 1000'], parser: numbers() });
    await settle();
    expect(commands.running()).toHaveLength(1);
    await clock.advance(5000);
    expect(await result).toMatchObject({ kind: 'failed', reason: 'no answer within 5 s' });
    const next = new ToolRunner({ commands, clock: systemClock, env: {}, cwd: '/' });
    const after = await next.run({ ...run, file: '/bin/sh', args: ['-c', 'echo 1; echo end'], parser: numbers() });
    expect(after).toMatchObject({ kind: 'read' });
    expect(commands.running()).toEqual([]);
  });

  test('is ended with the runner, and no other is started', async () => {
    const commands = createCommandRunner();
    const runner = new ToolRunner({ commands, clock: new ManualClock(), env: {}, cwd: '/' });
    const script = { ...run, file: '/bin/sh', args: ['-c', 'sleep 1000; echo end'], parser: numbers() };
    const running = runner.run(script);
    await settle();
    expect(commands.running()).toHaveLength(1);
    runner.close();
    expect(commands.running()).toEqual([]);
    expect(await running).toMatchObject({ kind: 'failed', reason: 'it was ended from outside' });
    expect(await runner.run(script)).toMatchObject({ kind: 'failed', reason: 'the sweeper has ended' });
  });
});
