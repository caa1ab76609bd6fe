// Bad input on the command line: a clear sentence on stderr, the right exit code, nothing on stdout.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runProgram } from './program.ts';

let scratch: string;
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'whyidle-cli-'));
});
afterAll(() => {
  rmSync(scratch, { recursive: true, force: true });
});

describe('wrong usage ends with 64 and says what was meant', () => {
  const cases: readonly (readonly [string, readonly string[], RegExp])[] = [
    ['an unknown command', ['sampel'], /unknown command.*sampel.*sample/s],
    ['an unknown flag of sample', ['sample', '--formt', 'json'], /--formt.*--format/s],
    ['an unknown flag of server', ['server', '--lisen', ':1'], /--lisen.*--listen/s],
    ['an unknown flag of agent', ['agent', '--sever', 'http://x'], /--sever.*--server/s],
    ['a value that is not one of the choices', ['sample', '--format', 'xml'], /xml/],
    ['a flag without its value', ['sample', '--root'], /--root/],
    ['an address that is none', ['server', '--listen', 'here'], /HOST:PORT/],
    ['an agent without a server or an address', ['agent'], /--server.*--listen/s],
    ['a node name that is none', ['agent', '--server', 'http://127.0.0.1:1', '--name', 'a b'], /name/],
  ];
  test.each(cases)('%s', async (_name, args, said) => {
    const { exitCode, stdout, stderr } = await runProgram(args);
    expect(stderr).toMatch(said);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect({ exitCode, stdout }).toEqual({ exitCode: 64, stdout: '' });
  });

  test('an unknown configuration key', async () => {
    const file = join(scratch, 'server.yaml');
    writeFileSync(file, 'server:\n  lisen: 127.0.0.1:1\n');
    const { exitCode, stderr } = await runProgram(['server', '--config', file]);
    expect(stderr).toMatch(/server\.lisen.*server\.listen/s);
    expect(exitCode).toBe(64);
  });

  test('a malformed configuration file', async () => {
    const file = join(scratch, 'broken.yaml');
    writeFileSync(file, 'server: [\n');
    const { exitCode, stderr } = await runProgram(['server', '--config', file]);
    expect(stderr).toContain('broken.yaml');
    expect(exitCode).toBe(64);
  });

  test('an address other than loopback without access.mode', async () => {
    const { exitCode, stderr } = await runProgram(['server', '--listen', '0.0.0.0:0', '--data', scratch]);
    expect(stderr).toMatch(/access\.mode/);
    expect(exitCode).toBe(64);
  });
});

describe('what cannot be done ends with 2', () => {
  test('a root that is not there', async () => {
    const { exitCode, stdout, stderr } = await runProgram(['sample', '--root', join(scratch, 'nowhere')]);
    expect(stderr).toMatch(/nowhere/);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  });

  test('a root that is a file', async () => {
    const file = join(scratch, 'file');
    writeFileSync(file, '');
    const { exitCode, stderr } = await runProgram(['sample', '--root', file]);
    expect(stderr).toMatch(/file/);
    expect(exitCode).toBe(2);
  });
});

describe('sample', () => {
  test('an empty root gives absences with reasons and ends with 0', async () => {
    const root = join(scratch, 'empty');
    mkdirSync(root);
    const { exitCode, stdout } = await runProgram(['sample', '--root', root, '--format', 'json']);
    expect(exitCode).toBe(0);
    const answer = JSON.parse(stdout) as { samples: unknown[]; unavailable: { area: string; reason: string }[] };
    const missing = new Set(answer.unavailable.map(({ area, reason }) => `${area} ${reason}`));
    for (const area of ['gpu', 'infiniband', 'block', 'cpu', 'memory'])
      expect(missing).toContain(`${area} not_present`);
  });

  test('this machine in Prometheus text', async () => {
    const { exitCode, stdout } = await runProgram(['sample', '--format', 'prom']);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^whyidle_cpu_seconds_total\{node="[^"]+",numa_node="0",mode="user"\} \d/m);
  });
});

test('version names the program and its runtime', async () => {
  const { exitCode, stdout } = await runProgram(['version']);
  expect(stdout).toMatch(/^whyidle \d+\.\d+\.\d+/);
  expect(exitCode).toBe(0);
});
