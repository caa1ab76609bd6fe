// A dcgm-exporter's metrics page → one sheet per GPU. Label variants of dcgm-exporter 2 to 4, with and without HELP lines.
import type { Absence, Quantity } from '#agent/contract';
import { canonicalPciAddress } from '../pci.ts';
import { ParseError } from '../parse-error.ts';
import { dcgmFieldOfName, factLabels } from './dcgm-fields.ts';
import type { DcgmTarget } from './dcgm-field.ts';
import { DcgmSheetBuilder, DcgmSpot } from './dcgm-sheets.ts';
import { isSet, temperature } from './dcgm-value.ts';
import type { GpuFacts, GpuIdentity, GpuSheet } from './sheet.ts';

export interface DcgmSwitch {
  readonly nvswitch: string;
  readonly temperature: Quantity<'celsius'> | Absence;
}

export interface DcgmPage {
  readonly sheets: readonly GpuSheet[];
  readonly switches: readonly DcgmSwitch[];
}

const MOST_LABEL_TEXTS = 4096;
const MOST_GPUS = 128;
const LONGEST_LABELS = 8192;
const switchTemperatures = new Set(['DCGM_FI_DEV_NVSWITCH_TEMPERATURE_CURRENT', 'DCGM_FI_DEV_NVSWITCH_TEMP_CELSIUS']);

/** What the labels of a row say. */
interface Row {
  readonly identity: GpuIdentity;
  readonly facts: Partial<GpuFacts>;
  readonly gi: string;
  readonly profile: string;
  readonly nvswitch: string;
  readonly spot: DcgmSpot;
  /** The sheet it was written to last, and in which page that was. */
  page: number;
  sheet: DcgmSheetBuilder | undefined;
}

/** A line of the page before it: what stands before the value, and where the value goes. */
interface PlannedLine {
  readonly prefix: string;
  /** undefined for what is passed over. */
  readonly row: Row | undefined;
  readonly targets: readonly DcgmTarget[];
}

export function parseDcgmPage(text: string, source: string): readonly GpuSheet[] {
  return new DcgmPageParser().parse(text, source).sheets;
}

/**
 * Pages of one exporter differ in their values alone: a line that begins as it did last time is not taken apart again,
 * and the rows of one GPU have the same labels in every family.
 */
export class DcgmPageParser {
  readonly #rows = new Map<string, Row | undefined>();
  #plan: readonly PlannedLine[] = [];
  #page = 0;
  #sheets = new Map<string, DcgmSheetBuilder>();
  #switches: DcgmSwitch[] = [];

  parse(text: string, source: string): DcgmPage {
    this.#page++;
    this.#sheets = new Map();
    this.#switches = [];
    if (this.#rows.size > MOST_LABEL_TEXTS) this.#rows.clear();
    const plan: PlannedLine[] = [];
    let known = text.trim() === '';
    // A last line without its end was cut off: nobody knows how its number goes on.
    for (let start = 0, end = text.indexOf('\n'); end >= 0; start = end + 1, end = text.indexOf('\n', start)) {
      const before = this.#plan[plan.length];
      const line = before && startsAt(text, start, before.prefix) ? before : this.#planLine(text.slice(start, end));
      if (line) {
        known = true;
        plan.push(line);
        this.#readValue(line, text.slice(start + line.prefix.length, end));
      }
    }
    if (!known) throw new ParseError(source, text, 'a metrics page');
    this.#plan = plan;
    return { sheets: [...this.#sheets.values()].map((sheet) => sheet.finish()), switches: this.#switches };
  }

  /** undefined if it is no line of a metrics page. */
  #planLine(line: string): PlannedLine | undefined {
    if (line.startsWith('#')) return passedOver(line);
    const open = line.indexOf('{');
    const close = line.lastIndexOf('}');
    if (open <= 0 || close < open) return /^[a-z_:][\w:]* \S+/i.test(line) ? passedOver(line) : undefined;
    const name = line.slice(0, open);
    const prefix = line.slice(0, close + 1);
    const field = dcgmFieldOfName(name);
    if (!field && !switchTemperatures.has(name)) return isName(name) ? passedOver(prefix) : undefined;
    const row = this.#rowOf(line.slice(open + 1, close));
    return row && { prefix: copyOf(prefix), row, targets: field ? row.spot.targetsOf(field) : [] };
  }

  #readValue({ row, targets }: PlannedLine, rest: string): void {
    if (!row) return;
    const value = firstWord(rest);
    if (targets.length > 0) {
      const sheet = row.page === this.#page ? row.sheet : this.#sheetOf(row);
      for (const target of targets) sheet?.put(target, value);
    } else if (row.nvswitch !== '') {
      this.#switches.push({ nvswitch: row.nvswitch, temperature: temperature(value) });
    }
  }

  #sheetOf(row: Row): DcgmSheetBuilder | undefined {
    const { gpu, uuid } = row.identity;
    row.page = this.#page;
    row.sheet = undefined;
    const key = uuid || gpu;
    if (key === '' || (this.#sheets.size >= MOST_GPUS && !this.#sheets.has(key))) return undefined;
    const sheet = this.#sheets.get(key) ?? new DcgmSheetBuilder();
    this.#sheets.set(key, sheet);
    sheet.describe(row.identity, row.facts);
    if (row.gi !== '') sheet.instance(row.gi, row.profile);
    row.sheet = sheet;
    return sheet;
  }

  #rowOf(labels: string): Row | undefined {
    const found = this.#rows.get(labels);
    if (found || this.#rows.has(labels)) return found;
    const row = labels.length > LONGEST_LABELS ? undefined : rowOf(labels);
    this.#rows.set(copyOf(labels), row);
    return row;
  }
}

function passedOver(prefix: string): PlannedLine {
  return { prefix: copyOf(prefix), row: undefined, targets: [] };
}

/** Several times faster than `startsWith` at a position. */
function startsAt(text: string, start: number, prefix: string): boolean {
  return text.slice(start, start + prefix.length) === prefix;
}

/** A piece of a page keeps the whole page in memory; a copy does not. */
function copyOf(piece: string): string {
  return String(JSON.parse(JSON.stringify(piece)));
}

function isName(text: string): boolean {
  return /^[a-z_:][\w:]*$/i.test(text);
}

/** The value; a timestamp may follow it. */
function firstWord(text: string): string {
  const value = text.trim();
  const end = value.indexOf(' ');
  return end < 0 ? value : value.slice(0, end);
}

function rowOf(text: string): Row | undefined {
  const labels = parseLabels(text);
  if (!labels) return undefined;
  const gi = numberIn(labels.get('GPU_I_ID'));
  // An instance that does not say which would pass for the whole GPU.
  if (gi === undefined && (labels.get('GPU_I_ID') || labels.get('GPU_I_PROFILE'))) return undefined;
  return {
    identity: identityIn(labels),
    facts: factsIn(labels),
    gi: gi ?? '',
    profile: labels.get('GPU_I_PROFILE') ?? '',
    nvswitch: numberIn(labels.get('nvswitch')) ?? '',
    spot: new DcgmSpot({ gi: gi ?? '', link: numberIn(labels.get('nvlink')) ?? '' }),
    page: 0,
    sheet: undefined,
  };
}

/** undefined if it is not a list of labels from end to end. */
function parseLabels(text: string): ReadonlyMap<string, string> | undefined {
  const labels = new Map<string, string>();
  const label = /([a-z_]\w*)="((?:[^"\\]|\\.)*)"(?:,|$)/iy;
  while (label.lastIndex < text.length) {
    const match = label.exec(text);
    if (!match) return undefined;
    const [, name = '', value = ''] = match;
    labels.set(
      name,
      value.replace(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped)),
    );
  }
  return labels;
}

function identityIn(labels: ReadonlyMap<string, string>): GpuIdentity {
  const uuid = labels.get('UUID') ?? labels.get('uuid') ?? labels.get('gpu_uuid') ?? '';
  return {
    gpu: numberIn(labels.get('gpu')) ?? '',
    uuid: /^GPU-[\w-]{1,64}$/.test(uuid) ? uuid : '',
    pci_bus_id: canonicalPciAddress(labels.get('pci_bus_id') ?? '') ?? '',
  };
}

function factsIn(labels: ReadonlyMap<string, string>): Partial<GpuFacts> {
  const found = [...labels].flatMap(([label, value]) => {
    const fact = factLabels.get(label);
    return fact && isSet(value) ? [[fact, value.slice(0, 200)] as const] : [];
  });
  return Object.fromEntries(found);
}

function numberIn(text: string | undefined): string | undefined {
  return text !== undefined && /^\d{1,3}$/.test(text) ? text : undefined;
}
