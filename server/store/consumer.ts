// What follows the journal inside the store's worker: the roll-ups of the history, remote write. Records come in journal
// order, each exactly once over all lives of the server: only durable ones are shown, from a consumer's own watermark on.
import type { FrameDecoder } from '#agent/contract';
import type { PublishedSeries } from '../fleet/schema.ts';
import type { GapEntry, QueryRequest, QueryResult, StoreFigures } from './entries.ts';

/** What the frames of one session are decoded with. The same object for every sample of the session. */
export interface DecodedSession {
  /** Unique in the journal, growing; not the number that ingest gave. */
  readonly session: number;
  readonly node: string;
  readonly instance: string;
  readonly intervalMs: number;
  /** Delivered late. */
  readonly backlog: boolean;
  /** Name of the schema: two sessions with the same one have the same series at the same indexes. */
  readonly schema: string;
  readonly published: readonly PublishedSeries[];
  /** Series in frames, published or not. */
  readonly size: number;
}

export interface SampleConsumer {
  /** Everything up to and with this position is in its files already; 0 where there is none. */
  readonly watermark: number;
  /** Told once before the first sample of the session, again after a start of the server. */
  session(session: DecodedSession): void;
  /** The last sample of the session has been shown: what is kept for it can go. */
  sessionEnd?(session: DecodedSession): void;
  /**
   * One sample, never a repeated frame. The decoder is read at once: the next frame changes it. `decoder.gained` is over
   * `spanSeconds`, which is NaN for the first sample of a session.
   */
  sample(session: DecodedSession, decoder: FrameDecoder, timeMs: number, spanSeconds: number, position: number): void;
  gap(gap: GapEntry, position: number): void;
  /**
   * About once a second and when the journal has been read to its durable end: everything up to `position` has been
   * shown. No sample is shown before it resolves. A rejection is logged and tried again.
   */
  advance(position: number, nowMs: number): Promise<void>;
  close(): Promise<void>;
}

/** The roll-ups: also answers for minutes and hours. */
export interface HistoryConsumer extends SampleConsumer {
  /** Throws QueryError (server/query/request.ts) if the labels match more series than are allowed. */
  query(request: QueryRequest): Promise<QueryResult>;
  /** On disk. */
  readonly bytes: number;
}

/** Remote write: also counts. */
export interface RemoteWriteConsumer extends SampleConsumer {
  readonly figures: StoreFigures['remoteWrite'];
}
