// Every file of the corpus' infiniband folder has a suite that asserts it, and that suite knows it by name.
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { corpusDirectory, hasCorpus } from './loader.ts';

const present = hasCorpus('corpus/infiniband-all');
const directory = join(corpusDirectory, 'infiniband');

interface Assertion {
  /** Which files below the folder. */
  readonly files: RegExp;
  /** Below test/. */
  readonly suite: string;
  /** What the suite calls the file: its path unless said otherwise. */
  readonly called?: (file: string) => string;
}

const nameOf = (file: string): string => file.split('/').at(-1) ?? file;
const below = (file: string): string => file.split('/').slice(1).join('/');

const assertions: readonly Assertion[] = [
  {
    files: /^sysfs\/(?:procfs-a|nodeexporter-b)\//,
    suite: 'corpus/infiniband-files.test.ts',
    called: (file) => `'${file.split('/')[1] ?? file}'`,
  },
  { files: /^sysfs\/gcm-node\//, suite: 'corpus/infiniband-files.test.ts', called: below },
  { files: /^(?:ibnetdiscover|iblinkinfo|ibqueryerrors|perfquery)\//, suite: 'corpus/fabric-facts.ts' },
  { files: /^ibsim\/recorded\//, suite: 'corpus/fabric-facts.ts' },
  { files: /^ibsim\/[^/]+\.(?:net|cmds)$/, suite: 'real/fabric.test.ts' },
  { files: /^(?:ibswinfo|mlxlink|ufm)\//, suite: 'corpus/infiniband-tools.test.ts' },
  { files: /^(?:ibswinfo|mlxlink|ufm)\//, suite: 'corpus/infiniband-tools-cut.test.ts' },
  { files: /^mlnxos\//, suite: 'corpus/infiniband-mlnxos.test.ts' },
  {
    files: /^mlnxos\/(?!show-interfaces-ethernet-rates\.json$)/,
    suite: 'server/switches/reading.test.ts',
    called: (file) => `'${nameOf(file)}'`,
  },
];
/** What the facts are taken from. */
const texts: readonly string[] = ['SOURCES.md', 'ibsim/README.md'];

function everyFile(): readonly string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
    .filter((file) => !texts.includes(file));
}

function textOf(suite: string): string {
  return readFileSync(join(import.meta.dirname, '..', suite), 'utf8');
}

describe.skipIf(!present)('every file', () => {
  it('has a suite', () => {
    expect(everyFile().filter((file) => !assertions.some(({ files }) => files.test(file)))).toEqual([]);
  });

  it.each(assertions.map((one) => [String(one.files), one.suite, one] as const))(
    '%s is known to %s',
    (_, suite, one) => {
      const files = everyFile().filter((file) => one.files.test(file));
      const text = textOf(suite);
      expect(files).not.toEqual([]);
      expect(files.filter((file) => !text.includes((one.called ?? ((path) => path))(file)))).toEqual([]);
    },
  );
});
