// Lays out a recorded tree of the corpus as a root for the readers: adds sys/, unpacks archives, expands path → content.
// The recordings lie outside this repository; a suite that wants them is left out where they are not.
import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, normalize, sep } from 'node:path';
import * as v from 'valibot';
import { copyTree } from '../doubles/steps.ts';
import { leftOut } from '../left-out.ts';
import { unpackTtar } from './ttar.ts';
import { writeTree } from './write-tree.ts';

export const corpusDirectory = join(import.meta.dirname, '../../../shared/corpus');

export interface LaidOut {
  readonly root: string;
  remove(): void;
}

/** True if the corpus is here; otherwise says that the suite is left out. */
export function hasCorpus(suite: string): boolean {
  const here = existsSync(corpusDirectory);
  if (!here) leftOut(suite, 'the corpus is not here', { evenInCi: true });
  return here;
}

/** `path` below the corpus: a directory, a .tar.xz, a .ttar or a .json of paths and contents. */
export function layOut(path: string): LaidOut {
  return layOutInto((directory) => {
    unpack(join(corpusDirectory, path), directory);
  });
}

/** A root that `fill` writes; what stands directly below class/, block/, bus/ or devices/ belongs below sys/. */
export function layOutInto(fill: (directory: string) => void): LaidOut {
  const base = mkdtempSync(join(tmpdir(), 'whyidle-corpus-'));
  const root = join(base, 'root');
  mkdirSync(root);
  fill(root);
  addSys(root);
  restoreLinks(root, root);
  return {
    root,
    remove: () => {
      rmSync(base, { recursive: true, force: true });
    },
  };
}

function unpack(source: string, directory: string): void {
  if (source.endsWith('.tar.xz')) execFileSync('tar', ['-xJf', source, '-C', directory]);
  else if (source.endsWith('.ttar')) unpackTtar(readFileSync(source, 'utf8'), directory);
  else if (source.endsWith('.json')) writeTree(directory, pathsOf(readFileSync(source, 'utf8')));
  else copyTree(source, directory);
}

function pathsOf(text: string): Readonly<Record<string, string>> {
  return v.parse(v.record(v.string(), v.string()), JSON.parse(text));
}

function addSys(root: string): void {
  for (const name of ['class', 'block', 'bus', 'devices', 'dev', 'module'].filter((one) =>
    existsSync(join(root, one)),
  )) {
    copyTree(join(root, name), join(root, 'sys', name));
    rmSync(join(root, name), { recursive: true });
  }
}

/** Some recordings keep a link as a file that holds its target. */
function restoreLinks(root: string, directory: string): void {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) restoreLinks(root, path);
    else if (entry.isFile()) restoreLink(root, path);
  }
}

function restoreLink(root: string, path: string): void {
  if (lstatSync(path).size > 300) return;
  const text = readFileSync(path, 'utf8');
  if (!/^(?:\.\.\/)+[^\n]+$/.test(text)) return;
  const target = normalize(join(dirname(path), text));
  if (!target.startsWith(root + sep) || !existsSync(target) || basename(target) === '') return;
  rmSync(path);
  symlinkSync(text, path);
}
