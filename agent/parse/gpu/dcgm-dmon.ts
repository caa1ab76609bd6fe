// Lines of `dcgmi dmon -e IDS` → ticks of one sheet per GPU. Columns are told by position: short names changed, ids never did.
// A header of two lines comes again every 14 ticks; an entity is two words or four; cells are cut with `...`.
import { dcgmFieldOfId } from './dcgm-fields.ts';
import type { DcgmField } from './dcgm-field.ts';
import type { DcgmiGpu, DcgmiInstance } from './dcgm-discovery.ts';
import { DcgmSheetBuilder, DcgmSpot } from './dcgm-sheets.ts';
import type { GpuSheet } from './sheet.ts';

export interface DmonRow {
  readonly kind: 'GPU' | 'GPU-I' | 'other';
  readonly entity: string;
  readonly link: string;
  readonly cells: readonly string[];
}

const MOST_MESSAGES = 5;
/** Ticks without any value, while the tool warms up. From then on a blank is an answer. */
const WARM_UP_TICKS = 2;

/** undefined for what is no row: a header, a message, a line that was cut. */
export function parseDmonRow(line: string, columns: number): DmonRow | undefined {
  const [, kind = '', entity = '', link = '', rest = ''] =
    /^\s*([A-Za-z][\w-]*)\s+(\d{1,6})(?:\s+LINK\s+(\d{1,3}))?((?:\s+\S+)+)\s*$/.exec(line) ?? [];
  const cells = rest.trim().split(/\s+/);
  if (kind === '' || cells.length !== columns || !cells.every(isCell)) return undefined;
  return { kind: kind === 'GPU' || kind === 'GPU-I' ? kind : 'other', entity, link, cells };
}

export interface DmonNode {
  readonly gpus: readonly DcgmiGpu[];
  readonly instances: readonly DcgmiInstance[];
}

interface Place {
  readonly gpu: DcgmiGpu;
  readonly gi: string;
}

/** Gathers the rows of one tick. Which entities there are was asked before; their order is the tool's affair. */
export class DmonTicks {
  /** What the tool said that is no row. */
  readonly messages: string[] = [];
  readonly #fields: readonly (DcgmField | undefined)[];
  readonly #places: ReadonlyMap<string, Place>;
  readonly #spots = new Map<string, DcgmSpot>();
  #seen = new Set<string>();
  #told = new Set<string>();
  #sheets = new Map<string, DcgmSheetBuilder>();
  #sawValue = false;
  #blankTicks = 0;

  constructor(ids: readonly number[], { gpus, instances }: DmonNode) {
    const byId = new Map(gpus.map((gpu) => [gpu.id, gpu]));
    this.#fields = ids.map(dcgmFieldOfId);
    this.#places = new Map<string, Place>([
      ...gpus.map((gpu) => [`GPU ${gpu.id}`, { gpu, gi: '' }] as const),
      ...instances.flatMap(({ entity, gpu, gi }) => {
        const parent = byId.get(gpu);
        return parent ? [[`GPU-I ${entity}`, { gpu: parent, gi }] as const] : [];
      }),
    ]);
  }

  /** A tick that is whole. A first one without any value is the tool warming up: none. */
  add(line: string): readonly GpuSheet[] | undefined {
    const row = parseDmonRow(line, this.#fields.length);
    if (!row) {
      this.#note(line);
      return undefined;
    }
    const name = `${row.kind} ${row.entity}`;
    const place = this.#places.get(name);
    // NVSwitches, and instances that nobody knows the GPU of.
    if (!place) return undefined;
    const key = `${name} ${row.link}`;
    const begun = this.#seen.has(key) ? this.#finish() : undefined;
    this.#take(row, place, key);
    if (row.link === '') this.#told.add(name);
    const isLast = this.#told.size === this.#places.size;
    return isLast ? this.#finish() : begun;
  }

  #take({ cells, link }: DmonRow, { gpu, gi }: Place, key: string): void {
    this.#seen.add(key);
    const sheet = this.#sheets.get(gpu.id) ?? new DcgmSheetBuilder();
    this.#sheets.set(gpu.id, sheet);
    sheet.describe(gpu.identity, { name: gpu.name });
    if (gi !== '') sheet.instance(gi, '');
    const spot = this.#spots.get(key) ?? new DcgmSpot({ gi, link });
    this.#spots.set(key, spot);
    for (const [index, cell] of cells.entries()) {
      const field = this.#fields[index];
      if (!field) continue;
      if (cell !== 'N/A') this.#sawValue = true;
      for (const target of spot.targetsOf(field)) sheet.put(target, cell);
    }
  }

  #finish(): readonly GpuSheet[] | undefined {
    const sheets = [...this.#sheets.values()];
    this.#sheets = new Map();
    this.#seen = new Set();
    this.#told = new Set();
    const isWarm = this.#sawValue || ++this.#blankTicks > WARM_UP_TICKS;
    // Profiling counters that are blank do not say that the GPU is gone.
    return isWarm ? sheets.map((sheet) => ({ ...sheet.finish(), loss: undefined })) : undefined;
  }

  #note(line: string): void {
    const text = line.trim();
    if (text === '' || text === 'ID' || text === 'Id' || text.startsWith('#')) return;
    if (this.messages.length < MOST_MESSAGES) this.messages.push(text.slice(0, 200));
  }
}

function isCell(text: string): boolean {
  return text === 'N/A' || /^-?[\d.]/.test(text);
}
