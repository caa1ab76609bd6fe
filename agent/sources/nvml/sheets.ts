// The lines of the reader's child process → sheets. A library may print into them: what is not a line of ours, or does
// not fit the layout, is left out and counted, never believed.
import { absent, absenceReasons, isAgentMetricId, rowOf, type AbsenceReason } from '#agent/contract';
import * as v from 'valibot';
import {
  columnOf,
  type GpuColumn,
  type GpuFacts,
  type GpuIdentity,
  type GpuProcessUse,
  type GpuSheet,
  type GpuValue,
  type GpuValueId,
  type MigInstance,
} from '../../parse/gpu/sheet.ts';
import type { XidEvent } from '../../parse/gpu/xid-event.ts';
import { errorSchema, layoutSchema, processesSchema, valuesSchema, xidSchema } from './line-schemas.ts';

export type TakenLine =
  | { readonly kind: 'values' }
  | { readonly kind: 'layout' }
  | { readonly kind: 'xid'; readonly event: XidEvent }
  | { readonly kind: 'error'; readonly reason: AbsenceReason; readonly message: string }
  | { readonly kind: 'empty' }
  | { readonly kind: 'garbage' };

interface Section {
  readonly columns: readonly GpuColumn[];
  readonly isCounter: readonly boolean[];
  values: readonly GpuValue[];
}

interface Place {
  readonly identity: GpuIdentity;
  readonly facts: GpuFacts;
  readonly instances: readonly MigInstance[] | undefined;
  readonly sections: readonly Section[];
  loss: AbsenceReason | undefined;
  processes: readonly GpuProcessUse[] | undefined;
}

const reasons = new Map<string, ReturnType<typeof absent>>(absenceReasons.map((reason) => [reason, absent(reason)]));
const malformed = absent('malformed');

export class Sheets {
  #layout = -1;
  #places: readonly Place[] = [];

  get sheets(): readonly GpuSheet[] {
    return this.#places.map(({ identity, facts, instances, sections, loss, processes }) => ({
      identity,
      facts,
      loss,
      values: loss === undefined ? sections.flatMap(({ values }) => values) : [],
      ...(instances === undefined ? {} : { instances }),
      ...(processes === undefined ? {} : { processes: loss === undefined ? processes : [] }),
    }));
  }

  take(line: string): TakenLine {
    if (line === '') return { kind: 'empty' };
    // A layout is repeated now and then; it need not be read again.
    if (line.startsWith(`{"layout":${this.#layout},`)) return { kind: 'layout' };
    const data = parseJson(line);
    if (v.is(valuesSchema, data)) return this.#takeValues(data);
    if (v.is(layoutSchema, data)) return this.#takeLayout(data);
    if (v.is(xidSchema, data)) return { kind: 'xid', event: { ...data, pid: undefined, source: 'nvml' } };
    if (v.is(errorSchema, data)) return { kind: 'error', reason: data.error, message: data.message };
    return { kind: 'garbage' };
  }

  #takeLayout({ layout, gpus, columnSets }: v.InferOutput<typeof layoutSchema>): TakenLine {
    const sets = columnSets.map(sectionOf);
    const places = gpus.map((gpu) => placeOf(gpu, sets));
    if (!places.every((place) => place !== undefined)) return { kind: 'garbage' };
    this.#layout = layout;
    this.#places = places;
    return { kind: 'layout' };
  }

  #takeValues({ layout, values, losses, processes }: v.InferOutput<typeof valuesSchema>): TakenLine {
    if (layout !== this.#layout) return { kind: 'garbage' };
    for (const [gpu, section, cells] of values) this.#takeCells(this.#places[gpu]?.sections[section], cells);
    for (const place of this.#places) place.loss = undefined;
    for (const [gpu, reason] of losses) {
      const place = this.#places[gpu];
      if (place) place.loss = reason;
    }
    if (processes !== undefined) this.#takeProcesses(processes);
    return { kind: 'values' };
  }

  #takeCells(section: Section | undefined, cells: readonly unknown[]): void {
    if (section?.columns.length !== cells.length) return;
    section.values = section.columns.map((column, index) => ({
      column,
      value: valueOf(cells[index], section.isCounter[index] ?? false),
    }));
  }

  #takeProcesses(data: unknown): void {
    if (!v.is(processesSchema, data)) return;
    for (const [gpu, uses] of data) {
      const place = this.#places[gpu];
      if (place)
        place.processes = uses.map(({ memoryBytes, smUtilization, ...rest }) => ({
          ...rest,
          memoryBytes: memoryBytes < 0 ? absent('forbidden') : memoryBytes,
          ...(smUtilization === undefined ? {} : { smUtilization }),
        }));
    }
  }
}

function parseJson(line: string): unknown {
  if (!line.startsWith('{"')) return undefined;
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function valueOf(cell: unknown, isCounter: boolean): GpuValue['value'] {
  if (typeof cell === 'number') {
    if (isCounter ? Number.isSafeInteger(cell) && cell >= 0 : Number.isFinite(cell)) return cell;
    return malformed;
  }
  if (typeof cell !== 'string') return malformed;
  return reasons.get(cell) ?? (isCounter && /^\d{1,20}$/.test(cell) ? BigInt(cell) : malformed);
}

type GivenGpu = v.InferOutput<typeof layoutSchema>['gpus'][number];

function placeOf(
  { identity, facts, sections, instances }: GivenGpu,
  sets: readonly (readonly GpuColumn[] | undefined)[],
): Place | undefined {
  const columns = sections.map((set) => sets[set]);
  if (!columns.every((set) => set !== undefined)) return undefined;
  return {
    identity,
    facts,
    instances,
    sections: columns.map((set) => ({
      columns: set,
      isCounter: set.map(({ id }) => rowOf(id).kind === 'counter'),
      values: [],
    })),
    loss: undefined,
    processes: undefined,
  };
}

/** undefined if a column is not of the catalogue: the child is of another version. */
function sectionOf(
  columns: v.InferOutput<typeof layoutSchema>['columnSets'][number],
): readonly GpuColumn[] | undefined {
  const known = columns.map(({ id, labels }) => (isGpuColumn(id, labels) ? intern(id, labels) : undefined));
  return known.every((column) => column !== undefined) ? known : undefined;
}

const own = ['gpu', 'uuid', 'pci_bus_id'];

function isGpuColumn(id: string, labels: Readonly<Record<string, string>>): id is GpuValueId {
  if (!isAgentMetricId(id)) return false;
  const { kind, labels: names } = rowOf(id);
  return (
    kind !== 'info' &&
    own.every((name) => names.includes(name)) &&
    Object.keys(labels).every((name) => names.includes(name))
  );
}

/** Safe: `isGpuColumn` has found the labels in the row of this very metric. */
function intern(id: GpuValueId, labels: Readonly<Record<string, string>>): GpuColumn {
  return columnOf(id, labels as never);
}
