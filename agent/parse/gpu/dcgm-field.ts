// What one DCGM field fills: a row of the tables in dcgm-fields.ts and its neighbours.
import { type Absence, type Steps } from '#agent/contract';
import {
  valueIn,
  type GpuColumn,
  type GpuCounterId,
  type GpuGaugeId,
  type GpuValue,
  type GpuValueId,
  type ValueOf,
} from './sheet.ts';
import { parseCounter } from './dcgm-value.ts';

/** Of what a value speaks besides the GPU. */
export interface DcgmPlace {
  /** NVML's id of the GPU instance; empty for the whole GPU. */
  readonly gi: string;
  /** Number of the NVLink; empty where links are not told apart. */
  readonly link: string;
}

/** Labels of an instance, as `columnOf` wants them. */
export type OfInstance = Readonly<{ mig_gi?: string }>;

export interface DcgmTarget {
  readonly column: GpuColumn;
  /** Of two values for one column the lower rank holds. */
  readonly rank: number;
  readonly read: (text: string) => GpuValue;
}

export interface DcgmField {
  readonly id: number;
  /** As DCGM before 4.6 and from then on named it. */
  readonly names: readonly string[];
  /** Empty where we have no column for it, or none that it may fill. */
  readonly targetsAt: (place: DcgmPlace) => readonly DcgmTarget[];
}

type ColumnAt<M extends GpuValueId> = GpuColumn<M> | ((place: DcgmPlace) => GpuColumn<M> | undefined);

/** `GPU_TEMP GPU_TEMP_CELSIUS` below `DCGM_FI_DEV_`; a name of another family stands there whole. */
export function fieldNames(names: string): readonly string[] {
  return names.split(' ').map((name) => (name.startsWith('DCGM_') ? name : `DCGM_FI_DEV_${name}`));
}

export function levelField<M extends GpuGaugeId>(
  id: number,
  names: string,
  column: ColumnAt<M>,
  read: (text: string) => ValueOf<M> | Absence,
  rank = 0,
): DcgmField {
  return field({ id, names, rank }, column, read);
}

export function countField<M extends GpuCounterId>(
  id: number,
  names: string,
  column: ColumnAt<M>,
  { rank = 0 }: { readonly rank?: number } = {},
): DcgmField {
  return field<M>({ id, names, rank }, column, (text) => stepsOf(parseCounter(text)));
}

/** A field that is known and fills nothing: why stands beside it. */
export function ignoredField(id: number, names: string): DcgmField {
  return { id, names: fieldNames(names), targetsAt: () => [] };
}

/** The column of a metric that instances have for themselves. */
export function perInstance<M extends GpuValueId>(
  columnFor: (labels: OfInstance) => GpuColumn<M>,
): (place: DcgmPlace) => GpuColumn<M> {
  return ({ gi }) => columnFor(gi === '' ? {} : { mig_gi: gi });
}

/** What the whole GPU has and its instances have not: a row of an instance says nothing true of it. */
export function wholeOnly<M extends GpuValueId>(column: GpuColumn<M>): (place: DcgmPlace) => GpuColumn<M> | undefined {
  return ({ gi }) => (gi === '' ? column : undefined);
}

function field<M extends GpuValueId>(
  { id, names, rank }: { readonly id: number; readonly names: string; readonly rank: number },
  columnAt: ColumnAt<M>,
  read: (text: string) => ValueOf<M> | Absence,
): DcgmField {
  return {
    id,
    names: fieldNames(names),
    targetsAt: (place) => {
      const column = typeof columnAt === 'function' ? columnAt(place) : columnAt;
      return column ? [{ column, rank, read: (text) => valueIn(column, read(text)) }] : [];
    },
  };
}

/** A count is in steps whatever the counter: `ValueOf` of every counter is `Steps`. */
function stepsOf<M extends GpuCounterId>(steps: Steps | Absence): ValueOf<M> | Absence {
  return steps as ValueOf<M> | Absence; // every M here is a counter
}
