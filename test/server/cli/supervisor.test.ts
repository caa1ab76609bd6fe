// A child program that is started again when it ends, and ended with us even if it does not want to.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { supervise } from '../../../server/cli/supervisor.ts';
import { silentLog } from '../../../server/log.ts';
import { until } from '../running.ts';

let scratch: string;
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'whyidle-supervisor-'));
});
afterAll(() => {
  rmSync(scratch, { recursive: true, force: true });
});

const script = (code: string) => ({
  name: 'child',
  file: process.execPath,
  args: ['-e', code],
  log: silentLog,
  pauseMs: 10,
});
const alive = (pid: number): boolean => existsSync(`/proc/${pid}`);

test('dies again and again, is started again and again', async () => {
  const file = join(scratch, 'starts');
  const child = supervise(script(`require('fs').appendFileSync(${JSON.stringify(file)}, 'x')`));
  await until(() => (existsSync(file) && readFileSync(file, 'utf8').length >= 3 ? true : undefined));
  await child.stop();
});

test('ignores SIGTERM: it is killed within 2 s', async () => {
  const file = join(scratch, 'ready');
  const child = supervise(
    script(
      `process.on('SIGTERM', () => {}); require('fs').writeFileSync(${JSON.stringify(file)}, ''); setInterval(() => {}, 1000)`,
    ),
  );
  await until(() => (existsSync(file) ? true : undefined));
  const pid = child.pid ?? 0;
  const startedMs = performance.now();
  await child.stop();
  expect(performance.now() - startedMs).toBeLessThan(2000);
  expect(alive(pid)).toBe(false);
});

test('a program that is not there is tried again, and stopping does not wait for it', async () => {
  const warnings: string[] = [];
  const log = { info: () => undefined, warn: (message: string) => void warnings.push(message) };
  const child = supervise({ name: 'child', file: join(scratch, 'nowhere'), args: [], log, pauseMs: 10 });
  await until(() => (warnings.length >= 2 ? true : undefined));
  await child.stop();
});
