// Lines of a looping nvidia-smi → whole ticks, one row per GPU. Lines of one tick may come in several chunks.
import { cellsOf, parseCsvHeader, parseCsvRow, type NvidiaSmiRow } from '../parse/nvidia-smi-csv.ts';
import { ParseError } from '../parse/parse-error.ts';

const MOST_MESSAGES = 5;
const MOST_GPUS = 128;

export class TickAssembler {
  readonly messages: string[] = [];
  readonly #source: string;
  readonly #onTick: (rows: readonly NvidiaSmiRow[]) => void;
  #fields: readonly string[];
  #rows: NvidiaSmiRow[] = [];
  #indexes = new Set<string>();
  #garbage = 0;

  /** Columns are told by position: the tool prints newer names than it was asked for. */
  constructor(fields: readonly string[], source: string, onTick: (rows: readonly NvidiaSmiRow[]) => void) {
    this.#fields = fields;
    this.#source = source;
    this.#onTick = onTick;
  }

  /** The columns as they come, by the newest names of their fields. */
  get fields(): readonly string[] {
    return this.#fields;
  }

  /** Lines came that are neither rows nor a message of a few lines. */
  get sawGarbage(): boolean {
    return this.#garbage > MOST_MESSAGES;
  }

  add(line: string): void {
    if (line.trim() === '' || this.#isHeader(line)) return;
    const row = this.#rowOf(line);
    const index = row?.get('index') ?? '';
    if (!row || !/^\d{1,4}$/.test(index)) {
      this.#note(line);
      return;
    }
    if (this.#indexes.has(index)) this.flush();
    this.#indexes.add(index);
    this.#rows.push(row);
    if (this.#rows.length === Number(row.get('count')) || this.#rows.length >= MOST_GPUS) this.flush();
  }

  /** Hands over what has come: the tick is whole, or the next one has begun. */
  flush(): void {
    if (this.#rows.length === 0) return;
    const rows = this.#rows;
    this.#rows = [];
    this.#indexes = new Set();
    this.#onTick(rows);
  }

  /** A stand-in may print other columns than were asked for; only then are they told by name. */
  #isHeader(line: string): boolean {
    const names = parseCsvHeader(line);
    if (!names.includes('index') || !names.includes('uuid')) return false;
    if (names.length !== this.#fields.length) this.#fields = names.map(newerName);
    return true;
  }

  #rowOf(line: string): NvidiaSmiRow | undefined {
    try {
      return parseCsvRow(line, this.#fields, this.#source);
    } catch (error) {
      if (error instanceof ParseError) return undefined;
      throw error;
    }
  }

  #note(line: string): void {
    this.#garbage++;
    if (this.messages.length < MOST_MESSAGES) this.messages.push(cellsOf(line).join(', ').slice(0, 200));
  }
}

function newerName(name: string): string {
  return name.replace(/^clocks_throttle_reasons\./, 'clocks_event_reasons.');
}
