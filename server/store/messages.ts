// What the main thread and the store's worker say to each other.
import type { KnownInstance, QueryRequest, QueryResult, StoreFigures } from './entries.ts';
import type { Trouble } from './commit-loop.ts';
import type { PartsSettings } from './parts.ts';
import type { Restored } from './restore.ts';

export interface CoreSettings {
  readonly folder: string;
  readonly segmentBytes: number;
  readonly segmentMs: number;
  readonly keepMs: number;
  readonly capBytes: number;
  /** Number of the last session before this server process; undefined: as the journal says. */
  readonly sessionBase: number | undefined;
  readonly parts: PartsSettings;
}

/** With what the worker is started: also the server's time at that moment. */
export interface WorkerSettings extends CoreSettings {
  readonly nowMs: number;
}

export type ToWorker =
  | {
      readonly kind: 'entries';
      /** A batch (batch.ts). */
      readonly buffer: ArrayBuffer;
      readonly bytes: number;
      readonly lastTicket: number;
    }
  | { readonly kind: 'query'; readonly id: number; readonly request: QueryRequest }
  | { readonly kind: 'close' };

export interface Opened {
  readonly sessionBase: number;
  readonly known: readonly KnownInstance[];
  readonly restored: Restored;
  readonly figures: Figures;
}

export interface Figures extends StoreFigures {
  readonly journalSinceMs: number | undefined;
}

export type FromWorker =
  | ({ readonly kind: 'opened' } & Opened)
  /** It could not open; the message says why. */
  | { readonly kind: 'unopened'; readonly message: string }
  /** The disk takes it; everything up to the ticket is on it, 0 where that is none of this worker's. */
  | { readonly kind: 'durable'; readonly ticket: number }
  | { readonly kind: 'trouble'; readonly reason: Trouble; readonly message: string }
  | { readonly kind: 'forgotten'; readonly from: number; readonly to: number }
  | { readonly kind: 'answer'; readonly id: number; readonly result: QueryResult }
  | {
      readonly kind: 'refused';
      readonly id: number;
      readonly error: { readonly name: string; readonly message: string; readonly hint: string | undefined };
    }
  | { readonly kind: 'figures'; readonly figures: Figures }
  | {
      readonly kind: 'log';
      readonly level: 'info' | 'warn';
      readonly message: string;
      readonly details: Readonly<Record<string, string | number | boolean>>;
    }
  | { readonly kind: 'closed' };
