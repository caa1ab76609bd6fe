// The state of every node as the journal ends: its newest live session and the frames since the newest key frame.
import type { Journal, Place } from '#agent/journal';
import { BatchWriter } from './batch.ts';
import type { SessionEntry } from './entries.ts';
import type { FramePlaces } from './frame-places.ts';
import type { JournalIndex } from './journal-index.ts';
import { flags, parseFrame, parseRecord, RecordError, type SessionRecord } from './records.ts';
import type { SchemaFiles } from './schema-files.ts';
import type { NodeFrames, SessionHead } from './segment-index.ts';
import type { SegmentReader } from './segment-reader.ts';

/** With so many of one segment wanted it is read from end to end. */
const READ_WHOLE_FROM = 2000;

/** On its way to the main thread. */
export interface Restored {
  readonly sessions: readonly { readonly entry: Omit<SessionEntry, 'series'>; readonly schema: string }[];
  /** JSON of the series lists, by name. */
  readonly schemas: ReadonlyMap<string, string>;
  /** A batch: the frames of the sessions, in the same order. */
  readonly buffer: ArrayBuffer;
  readonly bytes: number;
}

interface Wanted {
  readonly session: SessionHead;
  /** Oldest first. */
  places: Place[];
  hasKey: boolean;
}

export interface RestoreParts {
  readonly journal: Journal;
  readonly index: JournalIndex;
  readonly schemas: SchemaFiles;
  readonly segments: SegmentReader;
}

export async function restore(parts: RestoreParts): Promise<Restored> {
  const wanted = [...(await findWanted(parts)).values()].filter(({ hasKey }) => hasKey);
  const records = await readPlaces(
    parts.journal,
    wanted.flatMap(({ session, places }) => [session.place, ...places]),
  );
  const batch = new BatchWriter(0);
  const sessions: Restored['sessions'][number][] = [];
  const schemas = new Map<string, string>();
  for (const { session, places } of wanted) {
    const record = sessionOf(records.get(session.place.position));
    if (!record) continue;
    const series = schemas.get(record.schema) ?? (await parts.schemas.readText(record.schema));
    if (series === undefined) continue;
    schemas.set(record.schema, series);
    const { node, instance, generation, intervalMs, hello, schema } = record;
    const entry = { kind: 'session' as const, session: record.session, node, instance, generation, intervalMs, hello };
    sessions.push({ entry, schema });
    for (const { position } of places) {
      const bytes = records.get(position);
      // Without one frame those after it mean nothing.
      if (!bytes) break;
      batch.add(parseFrame(bytes), 0);
    }
  }
  const { buffer, bytes } = batch.take();
  return { sessions, schemas, buffer, bytes };
}

/** From the newest segment back: until each node's session has a key frame. */
async function findWanted(parts: RestoreParts): Promise<ReadonlyMap<string, Wanted>> {
  const wanted = new Map<string, Wanted>();
  for (const view of parts.index.views.toReversed()) {
    for (const name of await parts.segments.nodes(view)) {
      const before = wanted.get(name);
      if (before?.hasKey) continue;
      const node = await parts.segments.node(view, name);
      if (node) want(wanted, { node, segment: view.summary.first, before });
    }
  }
  return wanted;
}

function want(
  wanted: Map<string, Wanted>,
  {
    node,
    segment,
    before,
  }: { readonly node: NodeFrames; readonly segment: number; readonly before: Wanted | undefined },
): void {
  const live = node.chains.filter(({ head }) => !head.backlog);
  const chain = before
    ? live.find(({ head }) => head.session === before.session.session)
    : live.toSorted((a, b) => b.head.lastReceivedMs - a.head.lastReceivedMs)[0];
  const session = node.sessions.find((one) => one.session === chain?.head.session) ?? before?.session;
  if (!chain || !session) return;
  const { places, hasKey } = sinceKey(chain.places(), segment);
  wanted.set(node.node, { session, places: [...places, ...(before?.places ?? [])], hasKey });
}

function sinceKey(places: FramePlaces, segment: number): { readonly places: Place[]; readonly hasKey: boolean } {
  const key = places.flags.findLastIndex((bits) => (bits & flags.key) !== 0);
  const found: Place[] = [];
  for (let at = Math.max(0, key); at < places.count; at++) {
    found.push({
      position: places.positions[at] ?? 0,
      segment,
      offset: places.offsets[at] ?? 0,
      length: places.lengths[at] ?? 0,
    });
  }
  return { places: found, hasKey: key >= 0 };
}

async function readPlaces(journal: Journal, places: readonly Place[]): Promise<ReadonlyMap<number, Uint8Array>> {
  const records = new Map<number, Uint8Array>();
  for (const [, some] of Map.groupBy(places, ({ segment }) => segment)) {
    if (some.length < READ_WHOLE_FROM) await readEach(journal, some, records);
    else await readThrough(journal, some, records);
  }
  return records;
}

async function readEach(journal: Journal, places: readonly Place[], records: Map<number, Uint8Array>): Promise<void> {
  await Promise.all(
    places.map(async (place) => {
      const [bytes] = await journal.readAt([place]).catch(() => []);
      if (bytes) records.set(place.position, bytes);
    }),
  );
}

async function readThrough(
  journal: Journal,
  places: readonly Place[],
  records: Map<number, Uint8Array>,
): Promise<void> {
  const wanted = new Set(places.map(({ position }) => position));
  const sorted = [...wanted].toSorted((a, b) => a - b);
  const last = sorted.at(-1) ?? 0;
  for await (const { position, bytes } of journal.read(sorted[0] ?? 0)) {
    if (wanted.has(position)) records.set(position, bytes);
    if (position >= last) return;
  }
}

function sessionOf(bytes: Uint8Array | undefined): SessionRecord | undefined {
  try {
    const record = bytes && parseRecord(bytes);
    return record?.kind === 'session' ? record : undefined;
  } catch (error) {
    if (error instanceof RecordError) return undefined;
    throw error;
  }
}
