// The recordings of storage in ../shared/corpus/nvme and ../shared/corpus/host, read where they lie.
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { corpusDirectory, hasCorpus } from './loader.ts';

/** Checks the text of one file against the facts of SOURCES.md. */
export type Check = (text: string, path: string) => void | Promise<void>;

/** Paths below the corpus, with the folder before them; none where the corpus is not here. */
export function filesIn(folder: 'nvme' | 'host'): readonly string[] {
  if (!hasCorpus(`corpus/${folder} files`)) return [];
  return readdirSync(join(corpusDirectory, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(corpusDirectory, join(entry.parentPath, entry.name)))
    .toSorted();
}

export function readText(path: string): string {
  return readFileSync(join(corpusDirectory, path), 'utf8');
}
