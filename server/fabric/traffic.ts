// Bytes through a port, both directions together, over the last minutes: for the balance between rails.

export const TRAFFIC_MS = 300_000;
const CELL_MS = 20_000;
const CELLS = TRAFFIC_MS / CELL_MS;

interface Cell {
  readonly fromMs: number;
  bytes: number;
  seconds: number;
}

export class Traffic {
  #cells: Cell[] = [];

  add(atMs: number, bytes: number, seconds: number): void {
    const last = this.#cells.at(-1);
    if (last && atMs - last.fromMs < CELL_MS) {
      last.bytes += bytes;
      last.seconds += seconds;
    } else this.#cells.push({ fromMs: atMs, bytes, seconds });
    if (this.#cells.length > CELLS) this.#cells = this.#cells.slice(-CELLS);
  }

  /** Bytes a second over the window; null before a whole window has been seen. */
  mean(nowMs: number): number | null {
    let bytes = 0;
    let seconds = 0;
    for (const cell of this.#cells) {
      if (cell.fromMs < nowMs - TRAFFIC_MS - CELL_MS) continue;
      bytes += cell.bytes;
      seconds += cell.seconds;
    }
    return seconds >= (TRAFFIC_MS / 1000) * 0.9 ? bytes / seconds : null;
  }
}
