// Tables of `nvidia-smi pmon` and `dmon`: lines with # name the columns and their units, the others are cells between blanks.

export interface ColumnTable {
  /** One per line, by the column's name. */
  readonly rows: readonly ReadonlyMap<string, string>[];
  readonly units: ReadonlyMap<string, string>;
}

/** A last line without its end may be cut and is left out, as is a line with too few cells. The last column keeps its blanks. */
export function parseColumnTable(text: string): ColumnTable {
  let names: readonly string[] = [];
  let units: ReadonlyMap<string, string> = new Map();
  const rows: ReadonlyMap<string, string>[] = [];
  for (const line of text.split('\n').slice(0, -1)) {
    const cells = line.trim().split(/\s+/);
    if (cells[0] !== '#') {
      const row = rowOf(cells, names);
      if (row) rows.push(row);
    } else if (cells[1] === 'Idx') units = pair(names, cells.slice(1));
    else names = cells.slice(1);
  }
  return { rows, units };
}

function rowOf(cells: readonly string[], names: readonly string[]): ReadonlyMap<string, string> | undefined {
  if (names.length === 0 || cells.length < names.length) return undefined;
  const last = names.length - 1;
  return pair(names, [...cells.slice(0, last), cells.slice(last).join(' ')]);
}

function pair(names: readonly string[], cells: readonly string[]): ReadonlyMap<string, string> {
  return new Map(names.map((name, index) => [name, cells[index] ?? '']));
}
