// What runs in the worker beside the journal and follows it. Each is opened here, by one line.
import type { Log } from '../log.ts';
import type { HistoryConsumer, RemoteWriteConsumer, SampleConsumer } from './consumer.ts';

/** Settings of the parts as the configuration has them; they travel to the worker as they are. */
export type PartsSettings = Readonly<Record<string, unknown>>;

export interface PartsContext {
  /** The data folder. */
  readonly folder: string;
  readonly settings: PartsSettings;
  /** The server's unjumping clock. */
  readonly nowMs: () => number;
  readonly log: Log;
}

export interface Parts {
  readonly history: HistoryConsumer | undefined;
  readonly remoteWrite: RemoteWriteConsumer | undefined;
}

export function openParts(_context: PartsContext): Promise<Parts> {
  return Promise.resolve({ history: undefined, remoteWrite: undefined });
}

export function consumersOf({ history, remoteWrite }: Parts): readonly SampleConsumer[] {
  return [history, remoteWrite].filter((part) => part !== undefined);
}
