// What the worker found at the start, as the main thread uses it.
import { eachRecord } from './batch.ts';
import type { FrameEntry, RestoredNode, SessionEntry } from './entries.ts';
import type { Opened } from './messages.ts';
import { parseFrame } from './records.ts';
import { parseSeries } from './schema-files.ts';

export function restoredOf({ restored, sessionBase }: Opened): readonly RestoredNode[] {
  const series = new Map(Array.from(restored.schemas, ([name, json]) => [name, parseSeries(json)]));
  // Sessions of earlier server processes: their numbers lie below those that ingest gives.
  const nodes = new Map(
    restored.sessions.map(({ entry, schema }) => {
      const session: SessionEntry = {
        ...entry,
        session: entry.session - sessionBase,
        series: series.get(schema) ?? [],
      };
      return [entry.session, { session, frames: [] as FrameEntry[] }];
    }),
  );
  eachRecord(restored, (record) => {
    const frame = parseFrame(record);
    nodes.get(frame.session)?.frames.push({ ...frame, session: frame.session - sessionBase });
  });
  return [...nodes.values()];
}
