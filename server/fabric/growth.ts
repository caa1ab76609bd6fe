// When one counter grew and by how much: nothing for a counter that stands still, at most some seventy cells for one that never
// does. Fine for the last 12 minutes, in cells of 12 minutes before that, forgotten after 12 hours.

export const FINE_MS = 720_000;
export const GROWTH_KEPT_MS = 43_200_000;
/** Growth within one cell is told as one. */
const CELL_MS = 60_000;

export interface GrowthCell {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly amount: number;
}

export class GrowthLog {
  #cells: GrowthCell[] = [];

  get cells(): readonly GrowthCell[] {
    return this.#cells;
  }

  /** Growth seen between two readings, told at the later one. */
  add(atMs: number, amount: number): void {
    const last = this.#cells.at(-1);
    if (last && atMs - last.fromMs < CELL_MS) this.#cells[this.#cells.length - 1] = joined(last, atMs, amount);
    else this.#cells.push({ fromMs: atMs, untilMs: atMs, amount });
    this.#compact(atMs);
  }

  sum(sinceMs: number): number {
    return this.#cells.reduce((sum, { untilMs, amount }) => (untilMs > sinceMs ? sum + amount : sum), 0);
  }

  /** The first growth after a time. */
  first(sinceMs: number): number | null {
    return this.#cells.find(({ untilMs }) => untilMs > sinceMs)?.fromMs ?? null;
  }

  #compact(nowMs: number): void {
    const kept: GrowthCell[] = [];
    for (const cell of this.#cells) {
      if (cell.untilMs <= nowMs - GROWTH_KEPT_MS) continue;
      const last = kept.at(-1);
      const coarse = last && cell.untilMs <= nowMs - FINE_MS && cell.untilMs - last.fromMs < FINE_MS;
      if (coarse) kept[kept.length - 1] = joined(last, cell.untilMs, cell.amount);
      else kept.push(cell);
    }
    this.#cells = kept;
  }
}

function joined(cell: GrowthCell, untilMs: number, amount: number): GrowthCell {
  return { fromMs: cell.fromMs, untilMs, amount: cell.amount + amount };
}
