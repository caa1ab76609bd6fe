// Many readings of one GPU in one call. Each entry has a return code of its own. Authority: nvml.h, nvmlFieldValue_t.
import { fill, type Cell, type Column, type Group } from './columns.ts';
import { Question, type Device } from './question.ts';
import { absenceOf, SUCCESS } from './return-codes.ts';
import { fieldValue, readTyped, VALUE_TYPE } from './structs.ts';

export interface Field {
  readonly column: Column;
  readonly fieldId: number;
  /** A link, for those that are read per link. */
  readonly scopeId?: number;
  readonly cell: (raw: number | string, isUint32: boolean) => Cell;
}

export class FieldBatch implements Group {
  readonly columns: readonly Column[];
  readonly #device: Device;
  readonly #fields: readonly Field[];
  readonly #question: Question;
  #memory = Buffer.alloc(0);
  /** Positions in `#fields` of those that are asked for. */
  #asked: readonly number[] = [];
  readonly #refused = new Set<number>();

  constructor(device: Device, fields: readonly Field[]) {
    this.#device = device;
    this.#fields = fields;
    this.columns = fields.map(({ column }) => column);
    const get = device.nvml.bind('nvmlDeviceGetFieldValues');
    this.#question = new Question(device, () => get(device.handle, this.#asked.length, this.#memory));
    this.#layOut();
  }

  read(cells: Cell[], at: number): void {
    fill(cells, at, this.columns.length, 'unsupported');
    if (this.#asked.length === 0) return;
    const missing = this.#question.ask();
    if (missing !== undefined) {
      fill(cells, at, this.columns.length, missing);
      return;
    }
    const refusedBefore = this.#refused.size;
    for (let place = 0; place < this.#asked.length; place++) this.#take(place, cells, at);
    if (this.#refused.size > refusedBefore) this.#layOut();
  }

  #take(place: number, cells: Cell[], at: number): void {
    const index = this.#asked[place] ?? 0;
    const start = place * fieldValue.size;
    const code = this.#device.note(this.#memory.readInt32LE(start + fieldValue.nvmlReturn));
    if (code === SUCCESS) {
      const type = this.#memory.readUInt32LE(start + fieldValue.valueType);
      const raw = readTyped(this.#memory, start + fieldValue.value, type);
      cells[at + index] = this.#fields[index]?.cell(raw, type === VALUE_TYPE.uint) ?? 'malformed';
      return;
    }
    const reason = absenceOf(code);
    cells[at + index] = reason;
    if (reason === 'unsupported') this.#refused.add(index);
  }

  /** The library leaves ids and scopes as they are, so that they are written once. */
  #layOut(): void {
    this.#asked = [...this.#fields.keys()].filter((index) => !this.#refused.has(index));
    this.#memory = Buffer.alloc(this.#asked.length * fieldValue.size);
    for (const [place, index] of this.#asked.entries()) {
      this.#memory.writeUInt32LE(this.#fields[index]?.fieldId ?? 0, place * fieldValue.size + fieldValue.fieldId);
      this.#memory.writeUInt32LE(this.#fields[index]?.scopeId ?? 0, place * fieldValue.size + fieldValue.scopeId);
    }
  }
}

/** What one field says now; undefined where the GPU does not answer it. */
export function askField(device: Device, fieldId: number, scopeId = 0): number | string | undefined {
  return askTypedField(device, fieldId, scopeId)?.raw;
}

export function askTypedField(
  device: Device,
  fieldId: number,
  scopeId = 0,
): { readonly raw: number | string; readonly isUint32: boolean } | undefined {
  const memory = Buffer.alloc(fieldValue.size);
  memory.writeUInt32LE(fieldId, fieldValue.fieldId);
  memory.writeUInt32LE(scopeId, fieldValue.scopeId);
  const get = device.nvml.bind('nvmlDeviceGetFieldValues');
  if (!device.try(() => get(device.handle, 1, memory))) return undefined;
  if (!device.try(() => memory.readInt32LE(fieldValue.nvmlReturn))) return undefined;
  const type = memory.readUInt32LE(fieldValue.valueType);
  return { raw: readTyped(memory, fieldValue.value, type), isUint32: type === VALUE_TYPE.uint };
}

/** A count as it stands; -1 and all ones are no count. */
export function countCell(raw: number | string): Cell {
  if (typeof raw === 'string') return raw === '18446744073709551615' ? 'malformed' : raw;
  return Number.isInteger(raw) && raw >= 0 ? raw : 'malformed';
}

/** A count in units of so many steps. */
export const countOf =
  (steps: number) =>
  (raw: number | string): Cell => {
    const count = countCell(raw);
    if (typeof count === 'string' && !/^\d/.test(count)) return count;
    if (typeof count === 'number' && count * steps <= Number.MAX_SAFE_INTEGER) return count * steps;
    return (BigInt(count) * BigInt(steps)).toString();
  };

export const numberCell =
  (cell: (value: number) => Cell) =>
  (raw: number | string): Cell =>
    typeof raw === 'number' ? cell(raw) : 'malformed';
