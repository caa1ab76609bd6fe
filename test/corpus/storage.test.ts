// Every file of ../shared/corpus/nvme and every file of storage in ../shared/corpus/host is asserted: here, or in the suite
// named for it. A file that nobody reads fails.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseSmartLog } from '../../agent/parse/nvme-smart.ts';
import { corpusDirectory } from './loader.ts';
import { filesIn, readText, type Check } from './storage-corpus.ts';
import { nvmeFacts } from './storage-nvme-facts.ts';
import { sharedFacts } from './storage-shared-facts.ts';
import { expectNamedFigures, smartFacts } from './storage-smart-facts.ts';

const checks: Readonly<Record<string, Check>> = { ...smartFacts, ...nvmeFacts, ...sharedFacts };

/** Trees and recordings whose facts other suites have: a word of theirs, and the suites that must have it. */
const elsewhere: readonly { readonly files: RegExp; readonly word: string; readonly suites: RegExp }[] = [
  { files: /^nvme\/procfs-sysfs\//, word: 'procfs-sysfs', suites: /^nvme\.test\.ts$/ },
  { files: /^nvme\/libnvme\/tree-pcie\.tar\.xz$/, word: 'tree-pcie.tar.xz', suites: /^nvme\.test\.ts$/ },
  ...['multipath-count.txt', 'partition-count.txt', 'stack-count.txt', 'nvme2-stat-series.txt'].map(recordingOfQemu),
  ...['util-vs-queue-depth.txt', 'proc-diskstats-60dev.txt', 'nvme-tcp-diskstats.txt'].map(recordingOfQemu),
  ...['nvme-tcp-sysfs.tsv', 'sys-class-nvme.tsv', 'sys-nvme-subsystem.tsv'].map(recordingOfQemu),
  ...['sys-block.tsv', 'pcie.tsv', 'hwmon.tsv'].map(recordingOfQemu),
  // Hosts: pressure, CPU, memory, PCI, and the disks and drives of the same trees.
  ...['node_exporter', 'node_exporter-sys', 'telegraf-cgroup-v2', 'gcm-pci', 'qemu-6.1'].map((folder) => ({
    files: new RegExp(`^host/${folder}/`),
    word: folder,
    suites: /^host.*\.ts$/,
  })),
];

function recordingOfQemu(name: string) {
  return { files: new RegExp(`^nvme/qemu-6\\.1/${name}$`), word: name, suites: /^(?:nvme\.test|qemu)\.ts$/ };
}

const files = [...filesIn('nvme'), ...filesIn('host')];

describe.skipIf(files.length === 0)('corpus/nvme and corpus/host', () => {
  it.each(files.filter((path) => !path.endsWith('/SOURCES.md')))('%s', async (path) => {
    const check = checks[path];
    const other = elsewhere.find(({ files: pattern }) => pattern.test(path));
    expect(check ?? other, 'nobody asserts this file').toBeDefined();
    await check?.(readText(path), path);
    if (other && !check) expectMentioned(other);
  });

  it('has every file that is asserted', () => {
    expect(Object.keys(checks).filter((path) => !existsSync(join(corpusDirectory, path)))).toEqual([]);
  });

  it('figures that the sources name', () => {
    expectNamedFigures((path) => parseSmartLog(readText(path), path));
  });
});

function expectMentioned({ word, suites }: (typeof elsewhere)[number]): void {
  const candidates = readdirSync(import.meta.dirname).filter((name) => suites.test(name));
  const found = candidates.filter((name) => readFileSync(join(import.meta.dirname, name), 'utf8').includes(word));
  expect(found, `${word} in ${String(suites)}`).not.toEqual([]);
}
