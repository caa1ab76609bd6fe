// Every file of ../shared/corpus/gpu is asserted: here, or in the suite named for it. A file that nobody reads fails.
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { leftOut } from '../left-out.ts';
import { captureFacts } from './gpu-capture-facts.ts';
import { corpusFiles, isPresent, readCorpus, type Check } from './gpu-corpus.ts';
import { nvmlFacts } from './gpu-nvml-facts.ts';
import { textFacts } from './gpu-text-facts.ts';
import { dataCentreFacts } from './gpu-xml-facts.ts';
import { smallGpuFacts } from './gpu-xml-small-facts.ts';

if (!isPresent) leftOut('corpus/gpu files', 'the corpus is not here', { evenInCi: true });

const checks: Readonly<Record<string, Check>> = {
  ...dataCentreFacts,
  ...smallGpuFacts,
  ...captureFacts,
  ...textFacts,
  ...nvmlFacts,
};

/** Files whose facts another suite has. */
const elsewhere: readonly { readonly files: RegExp; readonly suite: string }[] = [
  { files: /^captures\/[^/]+\/(idle|load)\/query-gpu\.csv$/, suite: 'gpu.test.ts' },
  { files: /^generated\/.*\.query\.csv$/, suite: 'gpu.test.ts' },
  { files: /^(dcgmi|dcgm-exporter)\//, suite: 'gpu-dcgm.test.ts' },
  { files: /^facts\/dcgm-/, suite: 'gpu-dcgm.test.ts' },
  { files: /^(kernel-log|lspci)\//, suite: 'gpu-xid.test.ts' },
  { files: /^facts\/xid-/, suite: 'gpu-xid.test.ts' },
];
const sources = 'SOURCES.md';

describe.skipIf(!isPresent)('corpus/gpu', () => {
  it.each(corpusFiles())('%s', (path) => {
    if (path === sources) return;
    const check = checks[path];
    const other = elsewhere.find(({ files }) => files.test(path));
    expect([check, other].filter(Boolean)).toHaveLength(1);
    check?.(readCorpus(path));
    if (other) expectMentioned(other.suite, path);
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
