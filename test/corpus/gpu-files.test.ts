// Every file of ../shared/corpus/gpu is asserted: here, or in the suite named for it. A file that nobody reads fails.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { leftOut } from '../left-out.ts';
import { captureFacts } from './gpu-capture-facts.ts';
import { corpusFiles, isPresent, readCorpus, type Check } from './gpu-corpus.ts';
import { textFacts } from './gpu-text-facts.ts';
import { dataCentreFacts } from './gpu-xml-facts.ts';
import { smallGpuFacts } from './gpu-xml-small-facts.ts';

if (!isPresent) leftOut('corpus/gpu files', 'the corpus is not here', { evenInCi: true });

const checks: Readonly<Record<string, Check>> = { ...dataCentreFacts, ...smallGpuFacts, ...captureFacts, ...textFacts };

/** Files whose facts another suite has. */
const elsewhere: readonly { readonly files: RegExp; readonly suite: string }[] = [
  { files: /^captures\/[^/]+\/(idle|load)\/query-gpu\.csv$/, suite: 'gpu.test.ts' },
  { files: /^generated\/.*\.query\.csv$/, suite: 'gpu.test.ts' },
  { files: /^(dcgmi|dcgm-exporter)\//, suite: 'gpu-dcgm.test.ts' },
  { files: /^facts\/dcgm-/, suite: 'gpu-dcgm.test.ts' },
  { files: /^(kernel-log|lspci)\//, suite: 'gpu-xid.test.ts' },
  { files: /^facts\/xid-/, suite: 'gpu-xid.test.ts' },
];
/** Tables of NVML's numbers: used by whoever speaks NVML. */
const isNvmlFacts = (path: string): boolean => path.startsWith('facts/nvml-');
const sources = 'SOURCES.md';

describe.skipIf(!isPresent)('corpus/gpu', () => {
  it.each(corpusFiles())('%s', (path) => {
    if (path === sources) return;
    const check = checks[path];
    const other = elsewhere.find(({ files }) => files.test(path));
    expect([check, other, isNvmlFacts(path) || undefined].filter(Boolean)).toHaveLength(1);
    check?.(readCorpus(path));
    if (other) expectMentioned(other.suite, path);
    if (isNvmlFacts(path)) expectUsed(path);
  });

  it('has every file that is asserted', () => {
    const files = new Set(corpusFiles());
    expect(Object.keys(checks).filter((path) => !files.has(path))).toEqual([]);
  });

  it('is described whole: each folder stands in SOURCES.md', () => {
    const text = readCorpus(sources);
    const folders = new Set(corpusFiles().flatMap((path) => (path.includes('/') ? [path.split('/')[0] ?? ''] : [])));
    for (const folder of folders) expect(text).toContain(folder);
  });
});

function expectMentioned(suite: string, path: string): void {
  const file = join(import.meta.dirname, suite);
  expect(existsSync(file), `${suite} is to have the facts of ${path}`).toBe(true);
  // The last folders of a capture come from a list; its name does not.
  const name = path.startsWith('captures/') ? (path.split('/')[1] ?? '') : basename(path);
  expect(readFileSync(file, 'utf8')).toContain(name);
}

function expectUsed(path: string): void {
  const tests = join(import.meta.dirname, '..');
  const users = readdirSync(tests, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('gpu-files.test.ts'))
    .filter((file) => readFileSync(join(tests, file), 'utf8').includes(basename(path)));
  expect(users, `${path} is used by no test`).not.toEqual([]);
}
