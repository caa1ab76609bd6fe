// The order of the node table. Pure.
import type { NodeSummary } from '#server/contract';

export const nodeColumns = ['name', 'busy', 'cpu', 'read', 'written', 'infiniband'] as const;
export type NodeColumn = (typeof nodeColumns)[number];

export interface NodeRow {
  readonly node: NodeSummary;
  /** Mean over the GPUs that say; null where none does. */
  readonly busyPercent: number | null;
}

export interface NodeOrder {
  readonly column: NodeColumn;
  readonly down: boolean;
}

/** Nodes that do not tell a value come last, whichever way it goes. */
export function sortNodes(rows: readonly NodeRow[], { column, down }: NodeOrder): readonly NodeRow[] {
  const sign = down ? -1 : 1;
  return rows.toSorted((a, b) => {
    const byName = a.node.name.localeCompare(b.node.name, 'en', { numeric: true });
    if (column === 'name') return sign * byName;
    const [left, right] = [valueOf(a, column), valueOf(b, column)];
    if (left === null || right === null) return Number(left === null) - Number(right === null) || byName;
    return sign * (left - right) || byName;
  });
}

/** The rows in an order fixed before; new ones at the end. */
export function keepOrder(rows: readonly NodeRow[], names: readonly string[]): readonly NodeRow[] {
  const places = new Map(names.map((name, at) => [name, at]));
  return rows.toSorted((a, b) => (places.get(a.node.name) ?? Infinity) - (places.get(b.node.name) ?? Infinity) || 0);
}

function valueOf({ node, busyPercent }: NodeRow, column: Exclude<NodeColumn, 'name'>): number | null {
  switch (column) {
    case 'busy':
      return busyPercent;
    case 'cpu':
      return node.cpu_busy_ratio;
    case 'read':
      return node.disk_read_bytes_per_second;
    case 'written':
      return node.disk_written_bytes_per_second;
    case 'infiniband':
      return node.infiniband_bytes_per_second;
  }
}
