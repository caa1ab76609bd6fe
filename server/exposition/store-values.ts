// What the store says of itself, as values of the server's own metrics.
import type { Store } from '../store/entries.ts';
import type { OwnValues } from './own-metrics.ts';

type StoreValues = Pick<
  OwnValues,
  | 'server_gap_seconds_total'
  | 'server_journal_bytes'
  | 'server_history_bytes'
  | 'server_remote_write_pending_bytes'
  | 'server_remote_write_samples_total'
>;

export function storeValues(store: Pick<Store, 'figures'>): StoreValues {
  return {
    server_gap_seconds_total: () => store.figures().gapSeconds,
    server_journal_bytes: () => store.figures().journalBytes,
    server_history_bytes: () => store.figures().historyBytes,
    server_remote_write_pending_bytes: () => store.figures().remoteWrite.pendingBytes,
    server_remote_write_samples_total: () => {
      const { sent, dropped, rejected } = store.figures().remoteWrite;
      return new Map(Object.entries({ sent, dropped, rejected }));
    },
  };
}
