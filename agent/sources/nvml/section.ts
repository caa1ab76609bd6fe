// Groups that are read at the same time, as one row of cells.
import type { Cell, Column, Group } from './columns.ts';

export class Section {
  readonly columns: readonly Column[];
  /** The cells of the last reading. */
  readonly cells: Cell[];
  readonly #groups: readonly { readonly group: Group; readonly at: number }[];

  constructor(groups: readonly Group[]) {
    let at = 0;
    this.#groups = groups.map((group) => {
      const placed = { group, at };
      at += group.columns.length;
      return placed;
    });
    this.columns = groups.flatMap(({ columns }) => columns);
    this.cells = this.columns.map(() => 'not_present');
  }

  read(): void {
    for (const { group, at } of this.#groups) group.read(this.cells, at);
  }

  close(): void {
    for (const { group } of this.#groups) group.close?.();
  }
}
