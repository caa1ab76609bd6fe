// Drops whole segments that are older than the journal is to be kept, and what only they needed.
import type { Journal } from '#agent/journal';
import type { JournalIndex } from './journal-index.ts';
import type { SchemaFiles } from './schema-files.ts';

export interface RetentionParts {
  readonly journal: Journal;
  readonly index: JournalIndex;
  readonly schemas: SchemaFiles;
  readonly keepMs: number;
  /** First record that somebody still has to read. */
  readonly needed: () => number;
  /** Whether a session that is going on has this schema. */
  readonly isInUse: (schema: string) => boolean;
}

export async function dropOld(parts: RetentionParts, nowMs: number): Promise<void> {
  const { journal } = parts;
  const below = Math.min(firstKept(journal, nowMs - parts.keepMs), parts.needed());
  await journal.release(below);
  await dropUnused(parts);
}

/** After segments have gone, for whatever reason. */
export async function dropUnused({ journal, index, schemas, isInUse }: RetentionParts): Promise<void> {
  for (const name of await index.drop(journal.first)) if (!isInUse(name)) await schemas.remove(name);
}

/** A segment is as old as its newest record: it ended when the next one began. */
function firstKept(journal: Journal, beforeMs: number): number {
  const segments = journal.segments();
  const kept = segments.findIndex((_, at) => (segments[at + 1]?.createdMs ?? Infinity) >= beforeMs);
  return segments[kept]?.first ?? 0;
}
