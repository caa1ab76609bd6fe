// What a start finds in the data folder: the journal, its indexes, and what they say of every agent process.
import { join } from 'node:path';
import { Journal, type JournalFiles, type JournalLoss, type SegmentInfo } from '#agent/journal';
import { JournalIndex } from './journal-index.ts';
import { Known } from './known.ts';
import { parseRecord, RecordError } from './records.ts';
import { Scanner } from './scan.ts';
import { SchemaFiles } from './schema-files.ts';
import type { SegmentView } from './segment-index.ts';

export interface JournalOptions {
  readonly folder: string;
  readonly segmentBytes: number;
  readonly segmentMs: number;
  readonly capBytes: number;
  readonly nowMs: () => number;
  readonly files?: JournalFiles;
}

export interface OpenedJournal {
  readonly journal: Journal;
  readonly index: JournalIndex;
  readonly known: Known;
  readonly schemas: SchemaFiles;
  /** Has read what had no index; says what damage has cost. */
  readonly scanner: Scanner;
}

export async function openJournal(
  options: JournalOptions,
  told: { readonly onLoss: (loss: JournalLoss) => void; readonly onSealed: (segment: SegmentInfo) => void },
): Promise<OpenedJournal> {
  const { folder, segmentBytes, segmentMs, capBytes, nowMs, files } = options;
  const losses: JournalLoss[] = [];
  const schemas = await SchemaFiles.open(join(folder, 'schemas'));
  const journal = await Journal.open({
    folder: join(folder, 'journal'),
    ...{ segmentBytes, segmentMs, capBytes, nowMs },
    onLoss: (loss) => {
      losses.push(loss);
      told.onLoss(loss);
    },
    onSealed: told.onSealed,
    ...(files ? { files } : {}),
  });
  const scanner = new Scanner(journal, losses);
  const index = await JournalIndex.open(journal, scanner);
  const known = await readKnown(journal, index, schemas.names);
  return { journal, index, known, schemas, scanner };
}

/** From the newest checkpoint on: what it says, and what its segment and those after it hold. */
async function readKnown(journal: Journal, index: JournalIndex, schemas: ReadonlySet<string>): Promise<Known> {
  const known = new Known();
  const { views } = index;
  const begin = Math.max(
    0,
    views.findLastIndex(({ summary }) => summary.checkpoint !== null),
  );
  for (const view of views.slice(begin)) {
    const { checkpoint } = view.summary;
    if (checkpoint !== null) await loadCheckpoint(journal, known, checkpoint);
    await addSegment(view, known, schemas);
  }
  return known;
}

async function loadCheckpoint(journal: Journal, known: Known, position: number): Promise<void> {
  for await (const { bytes } of journal.read(position)) {
    const record = parsed(bytes);
    if (record?.kind !== 'checkpoint') continue;
    known.load(record);
    if (record.part === record.parts - 1) return;
  }
}

async function addSegment(view: SegmentView, known: Known, schemas: ReadonlySet<string>): Promise<void> {
  for (const name of await view.nodes()) {
    const node = await view.node(name);
    if (!node) continue;
    // Without its series a frame cannot be read: it is not stored.
    const sessions = new Map(
      node.sessions.filter(({ schema }) => schemas.has(schema)).map((one) => [one.session, one]),
    );
    for (const { instance, intervalMs } of sessions.values()) known.session(name, instance, intervalMs);
    for (const { head, places } of node.chains) {
      const session = sessions.get(head.session);
      if (!session) continue;
      const { count, seqs, times } = places();
      for (let at = 0; at < count; at++) {
        const frame = { seq: seqs[at] ?? 0, timeMs: times[at] ?? 0, receivedMs: head.lastReceivedMs };
        known.frame(name, session.instance, frame);
      }
    }
  }
  for (const { gap } of view.summary.gaps) known.gap(gap);
}

function parsed(bytes: Uint8Array): ReturnType<typeof parseRecord> {
  try {
    return parseRecord(bytes);
  } catch (error) {
    if (error instanceof RecordError) return undefined;
    throw error;
  }
}
