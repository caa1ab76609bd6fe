// The order of the table of links. Pure.
import { severityRank } from './words.ts';
import { isDown, type LinkRow } from './links.ts';

export const linkColumns = ['port', 'peer', 'state', 'rate', 'sent', 'received', 'wait', 'peerWait', 'errors'] as const;
export type LinkColumn = (typeof linkColumns)[number];

/** `undefined`: what has a finding first, then what is down, then what waits most. */
export interface LinkOrder {
  readonly column: LinkColumn | undefined;
  readonly down: boolean;
}

export const textColumns: ReadonlySet<LinkColumn> = new Set(['port', 'peer', 'state']);

/** Links that do not tell a value come last, whichever way it goes. */
export function sortLinks(rows: readonly LinkRow[], { column, down }: LinkOrder): readonly LinkRow[] {
  if (column === undefined) return rows.toSorted(byConcern);
  const sign = down ? -1 : 1;
  return rows.toSorted((a, b) => {
    const [left, right] = [valueOf(a, column), valueOf(b, column)];
    if (left === null || right === null) return Number(left === null) - Number(right === null) || byName(a, b);
    const order = typeof left === 'string' ? compare(left, String(right)) : left - Number(right);
    return sign * order || byName(a, b);
  });
}

/** The rows in an order fixed before; new ones at the end. */
export function keepLinks(rows: readonly LinkRow[], keys: readonly string[]): readonly LinkRow[] {
  const places = new Map(keys.map((key, at) => [key, at]));
  return rows.toSorted((a, b) => (places.get(a.key) ?? Infinity) - (places.get(b.key) ?? Infinity) || 0);
}

function byConcern(a: LinkRow, b: LinkRow): number {
  return (
    severityRank(a.view.severity) - severityRank(b.view.severity) ||
    Number(isDown(b)) - Number(isDown(a)) ||
    greatestWait(b) - greatestWait(a) ||
    byName(a, b)
  );
}

const greatestWait = ({ near, far }: LinkRow): number =>
  Math.max(near.view.congestion_ratio ?? 0, far.view.congestion_ratio ?? 0);

const compare = (a: string, b: string): number => a.localeCompare(b, 'en', { numeric: true });
const byName = (a: LinkRow, b: LinkRow): number => compare(a.near.name, b.near.name);

function valueOf({ near, far, state, view, errors }: LinkRow, column: LinkColumn): string | number | null {
  switch (column) {
    case 'port':
      return near.name;
    case 'peer':
      return far.name;
    case 'state':
      return state === '' ? null : state;
    case 'rate':
      return view.data_rate_bytes_per_second;
    case 'sent':
      return near.view.utilization_ratio;
    case 'received':
      return far.view.utilization_ratio;
    case 'wait':
      return near.view.congestion_ratio;
    case 'peerWait':
      return far.view.congestion_ratio;
    case 'errors':
      return errors;
  }
}
