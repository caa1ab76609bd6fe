// Why nothing is kept, in words.
import type { StoreSummary } from '#server/contract';

type Reason = Extract<StoreSummary, { ok: false }>['reason'];

const texts: Readonly<Record<Reason, string>> = {
  disk_full: 'the disk is full',
  failing: 'the disk does not take it',
  stuck: 'the disk does not answer',
};

export function storeText(reason: Reason): string {
  return texts[reason];
}
