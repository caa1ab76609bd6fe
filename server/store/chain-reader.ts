// Reads the frames of one session from the journal and decodes them, in slices of time.
import { JournalError, type Journal, type Place } from '#agent/journal';
import { ChainDecoder } from './chain-decoder.ts';
import type { FramePlaces } from './frame-places.ts';
import { flags, parseFrame, RecordError, type FrameRecord } from './records.ts';
import type { Slices } from './slices.ts';

const READ_AT_ONCE = 256;

/** Where the frames of one chain lie, segment by segment, in journal order. */
export type ChainPlaces = readonly { readonly segment: number; readonly places: FramePlaces }[];

/** One frame of a chain: which part, and which in it. */
interface At {
  readonly segment: number;
  readonly places: FramePlaces;
  readonly at: number;
}

export interface ChainVisit {
  /** A frame, with the decoder as it stands after it. */
  readonly sample: (frame: FrameRecord, chain: ChainDecoder) => void;
  /** A frame whose record is damaged. */
  readonly lost: (seq: number, timeMs: number) => void;
}

/** The frames needed to decode those of the range: from a key frame before it on, so that the first has a gain as well. */
export function selectFrames(chain: ChainPlaces, fromMs: number, toMs: number): readonly At[] {
  const all: At[] = [];
  let key = -1;
  let inRange = 0;
  let first = -1;
  let end = 0;
  for (const { segment, places } of chain) {
    for (let at = 0; at < places.count; at++) {
      const timeMs = places.times[at] ?? 0;
      const isKey = ((places.flags[at] ?? 0) & flags.key) !== 0;
      const wanted = timeMs >= Math.floor(fromMs) && timeMs <= toMs;
      if (wanted && inRange++ === 0) first = key < 0 ? all.length : key;
      if (isKey) key = all.length;
      all.push({ segment, places, at });
      if (wanted) end = all.length;
    }
  }
  return inRange === 0 ? [] : all.slice(first, end);
}

export async function readChain(
  journal: Journal,
  frames: readonly At[],
  { size, slices, visit }: { readonly size: number; readonly slices: Slices; readonly visit: ChainVisit },
): Promise<void> {
  const chain = new ChainDecoder(size);
  for (let from = 0; from < frames.length; from += READ_AT_ONCE) {
    const some = frames.slice(from, from + READ_AT_ONCE);
    const records = await readRecords(journal, some.map(placeOf));
    for (const [at, bytes] of records.entries()) {
      if (slices.isOver) await slices.rest();
      const frame = bytes && frameOf(bytes);
      const one = some[at];
      if (!frame && one) visit.lost(one.places.seqs[one.at] ?? 0, one.places.times[one.at] ?? 0);
      if (frame && chain.take(frame)) visit.sample(frame, chain);
    }
  }
}

function placeOf({ segment, places, at }: At): Place {
  return {
    position: places.positions[at] ?? 0,
    segment,
    offset: places.offsets[at] ?? 0,
    length: places.lengths[at] ?? 0,
  };
}

/** Undefined for those that are damaged or no longer kept. */
async function readRecords(journal: Journal, places: readonly Place[]): Promise<readonly (Uint8Array | undefined)[]> {
  try {
    return await journal.readAt(places);
  } catch (error) {
    if (!(error instanceof JournalError)) throw error;
  }
  return Promise.all(
    places.map(async (place) => {
      try {
        return (await journal.readAt([place]))[0];
      } catch (error) {
        if (error instanceof JournalError) return undefined;
        throw error;
      }
    }),
  );
}

function frameOf(bytes: Uint8Array): FrameRecord | undefined {
  try {
    return parseFrame(bytes);
  } catch (error) {
    if (error instanceof RecordError) return undefined;
    throw error;
  }
}
