// The ledger as bytes: JSON, one short row per GPU. Classes and owners go by their names, so that a later version finds them again.
import * as v from 'valibot';
import type { AccountName, BookedBefore } from './account.ts';
import { bookKeys, type BookKey } from './book-key.ts';
import type { Cell, OpenHours } from './hour-book.ts';

export type SavedAccount = AccountName & BookedBefore;

export interface LedgerSnapshot {
  /** Hours that are not in files yet. */
  readonly hours?: OpenHours;
  readonly totals: ReadonlyMap<BookKey, number>;
  readonly accounts: readonly SavedAccount[];
}

const ms = v.pipe(v.number(), v.safeInteger());
const booked = v.array(v.tuple([v.picklist(bookKeys), ms]));
const label = v.string();
/** node, gpu, uuid, job, user, account, partition, key, ms */
const cellRow = v.tuple([label, label, label, label, label, label, label, v.picklist(bookKeys), ms]);
const schema = v.object({
  version: v.literal(1),
  totals: booked,
  accounts: v.array(v.tuple([v.string(), v.string(), v.string(), ms, ms, booked])),
  hours: v.optional(v.array(v.tuple([ms, v.array(cellRow)]))),
});

export function encodeSnapshot({ totals, accounts, hours = [] }: LedgerSnapshot): Uint8Array {
  const rows = accounts.map(({ node, gpu, uuid, firstSeenMs, bookedUntilMs, booked: of }) => [
    ...[node, gpu, uuid, firstSeenMs, bookedUntilMs],
    [...of],
  ]);
  const cells = hours.map(([hourMs, all]) => [hourMs, all.map(rowOfCell)]);
  return Buffer.from(JSON.stringify({ version: 1, totals: [...totals], accounts: rows, hours: cells }));
}

/** Undefined for what is no snapshot of this version. */
export function decodeSnapshot(bytes: Uint8Array): LedgerSnapshot | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(bytes).toString());
  } catch {
    return undefined; // damaged: the caller begins anew
  }
  const result = v.safeParse(schema, parsed);
  if (!result.success) return undefined;
  return {
    totals: new Map(result.output.totals),
    hours: (result.output.hours ?? []).map(([hourMs, rows]) => [hourMs, rows.map(cellOfRow)] as const),
    accounts: result.output.accounts.map(([node, gpu, uuid, firstSeenMs, bookedUntilMs, of]) => ({
      ...{ node, gpu, uuid, firstSeenMs, bookedUntilMs },
      booked: new Map(of),
    })),
  };
}

function rowOfCell({
  node,
  gpu,
  uuid,
  job,
  user,
  account,
  partition,
  key,
  ms: of,
}: Cell): v.InferOutput<typeof cellRow> {
  return [node, gpu, uuid, job, user, account, partition, key, of];
}

function cellOfRow([node, gpu, uuid, job, user, account, partition, key, of]: v.InferOutput<typeof cellRow>): Cell {
  return { node, gpu, uuid, job, user, account, partition, key, ms: of };
}
