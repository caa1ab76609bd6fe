// The recordings of ../shared/corpus/gpu, read where they lie, and what a sheet made of one says.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { isAbsent, type AgentMetricId } from '#agent/contract';
import type { GpuSheet } from '../../agent/parse/gpu/sheet.ts';

export const corpus = join(import.meta.dirname, '../../../shared/corpus/gpu');
export const isPresent = existsSync(corpus);

/** Checks the text of one file against the facts of SOURCES.md. */
export type Check = (text: string) => void;

export function readCorpus(path: string): string {
  return readFileSync(join(corpus, path), 'utf8');
}

export function corpusFiles(): readonly string[] {
  if (!isPresent) return [];
  const entries = readdirSync(corpus, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(corpus, join(entry.parentPath, entry.name)))
    .toSorted();
}

/** The value, the reason of its absence, or 'silent' where the sheet has no such column. */
export function told(
  sheet: GpuSheet | undefined,
  id: AgentMetricId,
  labels: Readonly<Record<string, string>> = {},
): number | bigint | string {
  const wanted = Object.entries(labels);
  const found = sheet?.values.find(
    ({ column }) =>
      column.id === id &&
      Object.keys(column.labels).length === wanted.length &&
      wanted.every(([name, value]) => column.labels[name] === value),
  );
  if (!found) return 'silent';
  return isAbsent(found.value) ? found.value.reason : found.value;
}

/** Columns of one metric that have a value, by their first label. */
export function having(sheet: GpuSheet | undefined, id: AgentMetricId, value: number): readonly string[] {
  const values = sheet?.values.filter((entry) => entry.column.id === id && entry.value === value) ?? [];
  return values.map(({ column }) => Object.values(column.labels).join());
}
