// Leaving a suite out is recorded, and is a failure where nothing may be left out.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { leftOut } from './left-out.ts';

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'whyidle-left-out-'));
  file = join(folder, 'lines');
  vi.stubEnv('WHYIDLE_LEFT_OUT', file);
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

test('each suite left out is a line', () => {
  vi.stubEnv('CI', '');
  leftOut('a suite', 'chromium not installed');
  leftOut('another', 'no corpus');
  expect(readFileSync(file, 'utf8')).toBe('a suite: chromium not installed\nanother: no corpus\n');
});

test('with CI=true it fails, except for what cannot be installed', () => {
  vi.stubEnv('CI', 'true');
  expect(() => {
    leftOut('a suite', 'chromium not installed');
  }).toThrow('a suite may not be left out with CI=true: chromium not installed');
  leftOut('another', 'no corpus', { evenInCi: true });
  expect(readFileSync(file, 'utf8')).toBe('another: no corpus\n');
});
