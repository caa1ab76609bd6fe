// The committed files are what the generator writes, and the check that keeps them so can fail.
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runReal } from '../real/programs.ts';
import { projectRoot } from '../system/program.ts';

test('all generated files are current', () => {
  const { exitCode, stderr } = runReal(process.execPath, [join(projectRoot, 'dashboards/generate.ts'), '--check']);
  expect(stderr).toBe('');
  expect(exitCode).toBe(0);
});

test('a changed file is reported with its line, and not overwritten by the check', () => {
  const copy = mkdtempSync(join(tmpdir(), 'whyidle-generated-'));
  try {
    for (const name of ['agent', 'server', 'dashboards', 'docs', 'package.json', '.prettierrc.json'])
      cpSync(join(projectRoot, name), join(copy, name), { recursive: true });
    symlinkSync(join(projectRoot, 'node_modules'), join(copy, 'node_modules'));
    const rules = join(copy, 'dashboards/prometheus/whyidle-rules.yml');
    const changed = readFileSync(rules, 'utf8').replace('> 0.9', '> 0.8');
    writeFileSync(rules, changed);
    const { exitCode, stderr } = runReal(process.execPath, [join(copy, 'dashboards/generate.ts'), '--check']);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/whyidle-rules\.yml is not current: run npm run generate\. First difference in line \d+/);
    expect(stderr).toContain('> 0.8');
    expect(readFileSync(rules, 'utf8')).toBe(changed);
  } finally {
    rmSync(copy, { recursive: true });
  }
});
