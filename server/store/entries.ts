// What ingest hands to the store. The store's worker writes each as one journal record (records.ts) and answers when it
// is on disk. Times are milliseconds since 1970 on the server's unjumping clock.
import type { GapReason, Hello, SchemaMessage } from '#agent/contract';

/** One agent process over one schema: what its frames are decoded with. Numbered by ingest, from 1, per server process. */
export interface SessionEntry {
  readonly kind: 'session';
  readonly session: number;
  readonly node: string;
  readonly instance: string;
  readonly generation: number;
  readonly intervalMs: number;
  /** The agent's own words; undefined in a backlog session of an earlier process. */
  readonly hello: Hello | undefined;
  readonly series: SchemaMessage['series'];
}

export interface FrameEntry {
  readonly kind: 'frame';
  readonly session: number;
  readonly seq: number;
  readonly key: boolean;
  /** Delivered late: no part of the live view. Backlog frames of a session come in order, beginning with a key frame. */
  readonly backlog: boolean;
  /**
   * A frame that is already in the history and comes again, because later ones build on it: journaled and decoded, never
   * counted, never an answer.
   */
  readonly repeated: boolean;
  /** When the sample was taken, placed on the server's clock by the measured offset of the agent's. */
  readonly timeMs: number;
  readonly receivedMs: number;
  readonly bytes: Uint8Array;
}

/** Readings that are lost, for good; stored and shown, so that the history says so. */
export interface GapEntry {
  readonly kind: 'gap';
  readonly node: string;
  readonly instance: string;
  /** Frames fromSeq to toSeq; -1 and -1 for time in which none was produced. */
  readonly fromSeq: number;
  readonly toSeq: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly reason: GapReason;
}

export type StoreEntry = SessionEntry | FrameEntry | GapEntry;

/** What is already stored of one agent process: the answer to "have I seen this frame". */
export interface KnownInstance {
  readonly node: string;
  readonly instance: string;
  /** Frames in the history or recorded as lost, as ranges. */
  readonly seqs: readonly (readonly [number, number])[];
  /** Time of the newest stored frame. */
  readonly lastMs: number;
}

/** The state of one node as the journal ends: a session and the frames since its newest key frame, oldest first. */
export interface RestoredNode {
  readonly session: SessionEntry;
  readonly frames: readonly FrameEntry[];
}

export type StoreState =
  | { readonly ok: true }
  /** Nothing is acknowledged; the live view goes on. */
  | {
      readonly ok: false;
      readonly sinceMs: number;
      readonly reason: 'disk_full' | 'failing' | 'stuck';
      readonly message: string;
    };

/**
 * The store as the server's main thread sees it. Everything behind it runs in a worker.
 * `ticket`s grow by one per entry.
 */
export interface Store {
  /** Who this server is, made once per data folder: 24 hex digits. */
  readonly id: string;
  readonly state: StoreState;
  /** What survived the last end of the server. */
  readonly known: readonly KnownInstance[];
  readonly restored: readonly RestoredNode[];
  /** Takes an entry; it goes to the worker with the others of the same 20 ms. */
  append(entry: StoreEntry): number;
  /** Called with the highest ticket up to which everything is on disk. */
  onDurable: (ticket: number) => void;
  /**
   * The store cannot keep more in memory: the entries from..to (tickets) are forgotten and will never be durable.
   * Ingest asks the agents for them again when `state.ok` is back.
   */
  onForgotten: (from: number, to: number) => void;
  /** Replaces a small named file by these bytes, atomically and synced: the ledger's snapshot. */
  save(name: string, bytes: Uint8Array): Promise<void>;
  /** Its content as of the start; undefined where there is none. */
  saved(name: string): Uint8Array | undefined;
  /** Throws QueryError (server/query/request.ts) if the labels match more series than are allowed. */
  query(request: QueryRequest): Promise<QueryResult>;
  /** From where on readings as received are kept; undefined where there are none. */
  readonly journalSinceMs: number | undefined;
  /** For self-metrics: bytes on disk of journal and history, remote write queues and counts. */
  figures(): StoreFigures;
  /** Syncs, seals, ends the worker; within 1 s. */
  close(): Promise<void>;
}

export interface StoreFigures {
  readonly journalBytes: number;
  readonly historyBytes: number;
  /** Seconds recorded as lost since the journal began, by reason. */
  readonly gapSeconds: ReadonlyMap<GapReason, number>;
  readonly remoteWrite: {
    readonly pendingBytes: number;
    readonly sent: number;
    readonly dropped: number;
    readonly rejected: number;
  };
}

/** Resolutions of the history: as received, minutes, hours. */
export type Resolution = 'raw' | 'minute' | 'hour';

export interface QueryRequest {
  /** Ids of rows, without prefix; all of them are read in one pass. */
  readonly metrics: readonly string[];
  /** Exact values; `node` among them. What is not named matches all. */
  readonly labels: Readonly<Record<string, string>>;
  readonly fromMs: number;
  readonly toMs: number;
  readonly resolution: Resolution;
  /** Points closer together than this are merged to their minimum, mean and maximum; 0 = none are. */
  readonly stepMs: number;
  /** More series than this are an error, not cut. */
  readonly maxSeries: number;
}

/** Columns of one series, oldest first. A counter's values are its gain per second; with `raw` also the whole counts. */
export interface QuerySeries {
  readonly metric: string;
  /** `node` and the labels of the row. */
  readonly labels: Readonly<Record<string, string>>;
  /** End of the step (multiples of stepMs, or of the resolution if that is coarser), or the time of the sample. */
  readonly times: Float64Array;
  readonly mean: Float64Array;
  /** The same array as `mean` where every point is one sample. */
  readonly min: Float64Array;
  readonly max: Float64Array;
  /** Samples in each point. */
  readonly count: Uint32Array;
  /** Only of `raw` with stepMs 0: value in whole steps of 1/scale as decimal text, exact; the reason where there is none. */
  readonly exact?: readonly string[];
}

export interface QueryResult {
  readonly series: readonly QuerySeries[];
  readonly gaps: readonly GapEntry[];
  /** From where on the resolution has data: the journal's or the history's beginning. */
  readonly sinceMs: number | undefined;
  readonly engine: 'journal' | 'history' | 'external';
}
