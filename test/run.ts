// `npm test`: builds, runs every suite with vitest, says which suites were left out and why, and ends with the counts.
// With CI=true it first installs the Debian programs that suites need, and a left-out suite is a failure.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const project = fileURLToPath(new URL('..', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'whyidle-test-'));
const results = join(scratch, 'results.json');
const leftOutFile = join(scratch, 'left-out');

interface Results {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numFailedTestSuites: number;
}

if (process.env['CI'] === 'true') run('bash', ['test/setup.sh']);
run('npm', ['run', '--silent', 'build']);
const code = start('vitest', [
  'run',
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${results}`,
  ...process.argv.slice(2),
]);
report(code);

function report(exitCode: number): void {
  const counts = existsSync(results) ? (JSON.parse(readFileSync(results, 'utf8')) as Results) : undefined; // vitest's own JSON report
  const leftOut = existsSync(leftOutFile) ? readFileSync(leftOutFile, 'utf8').trim().split('\n') : [];
  rmSync(scratch, { recursive: true, force: true });
  for (const line of new Set(leftOut)) console.log(`left out: ${line}`);
  // A suite that fails before its first test counts as one failure.
  const failed = counts ? Math.max(counts.numFailedTests, exitCode === 0 ? 0 : 1) : 1;
  console.log(
    `${counts?.numPassedTests ?? 0} passed, ${failed} failed${counts?.numPendingTests ? `, ${counts.numPendingTests} skipped` : ''}`,
  );
  process.exitCode = failed === 0 ? 0 : 1;
}

function run(program: string, args: readonly string[]): void {
  const code = start(program, args);
  if (code !== 0) process.exit(code);
}

function start(program: string, args: readonly string[]): number {
  const { status, error } = spawnSync(program, args, {
    cwd: project,
    stdio: 'inherit',
    env: {
      ...process.env,
      PATH: `${join(project, 'node_modules/.bin')}:${process.env['PATH'] ?? ''}`,
      WHYIDLE_LEFT_OUT: leftOutFile,
    },
  });
  if (error) console.error(`${program} cannot be started: ${error.message}`);
  return status ?? 1;
}
