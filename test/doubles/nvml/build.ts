// Compiles the stand-in libnvidia-ml.so.1, once for the same text and exports, into a directory of the test's own.
import { execFileSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { renderExports, renderHeader } from './header.ts';

const SOURCE = join(import.meta.dirname, 'source');
const CACHE = join(import.meta.dirname, '../../../node_modules/.cache/nvml-double');
const LIBRARY = 'libnvidia-ml.so.1';
const FLAGS = ['-std=gnu11', '-O1', '-Wall', '-Wextra', '-Werror', '-fPIC', '-shared', `-Wl,-soname,${LIBRARY}`];

/** Why a suite that needs the double must be left out; undefined where gcc is there. */
export function whyNoNvmlDouble(): string | undefined {
  try {
    execFileSync('gcc', ['--version'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'gcc is not installed';
  }
}

export interface BuildOptions {
  /** Functions that this driver does not export. */
  readonly leaveOut?: readonly string[];
}

/** The path of `libnvidia-ml.so.1` in that directory. */
export function buildNvml(directory: string, options: BuildOptions = {}): string {
  mkdirSync(directory, { recursive: true });
  copyFileSync(prepareNvml(options), join(directory, LIBRARY));
  return join(directory, LIBRARY);
}

/** Compiles where it has not been yet: in `beforeAll`, whose limit is longer than a test's. */
export function prepareNvml({ leaveOut = [] }: BuildOptions = {}): string {
  const built = join(CACHE, `${keyOf(leaveOut)}.so`);
  mkdirSync(CACHE, { recursive: true });
  if (!existsSync(built)) compile(built, leaveOut);
  return built;
}

function keyOf(leaveOut: readonly string[]): string {
  const sources = readdirSync(SOURCE).toSorted();
  const parts = [
    renderHeader(),
    renderExports(leaveOut),
    ...sources.map((file) => readFileSync(join(SOURCE, file), 'utf8')),
  ];
  return createHash('sha256')
    .update(JSON.stringify([FLAGS, parts]))
    .digest('hex')
    .slice(0, 16);
}

/** Two suites may build at once: each under its own name, then renamed. */
function compile(built: string, leaveOut: readonly string[]): void {
  const work = mkdtempSync(join(tmpdir(), 'whyidle-nvml-build-'));
  const unfinished = `${built}.${randomUUID()}`;
  try {
    writeFileSync(join(work, 'nvml_layout.h'), renderHeader());
    writeFileSync(join(work, 'exports.map'), renderExports(leaveOut));
    const files = readdirSync(SOURCE).filter((file) => file.endsWith('.c'));
    const exports = [`-Wl,--version-script=${join(work, 'exports.map')}`, '-Wl,--no-undefined-version'];
    execFileSync('gcc', [
      ...FLAGS,
      `-I${work}`,
      ...exports,
      '-o',
      unfinished,
      ...files.map((file) => join(SOURCE, file)),
      '-lm',
      '-ldl',
      '-lpthread',
    ]);
    renameSync(unfinished, built);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
