// One row of nvidia-smi's CSV as a sheet: which field fills which column, and in what unit it is printed. nvidia-smi --help-query-gpu.
import { absent, isAbsent, rowOf, type Absence, type AbsenceReason } from '#agent/contract';
import type { NvidiaSmiRow } from '../nvidia-smi-csv.ts';
import { absenceOfCell, parseMask, sayDead, saysLost, textOfCell } from '../nvidia-smi-value.ts';
import { canonicalPciAddress } from '../pci.ts';
import { architectureOf } from './architecture.ts';
import { eccFields, eccValues } from './smi-csv-ecc.ts';
import {
  columnOf,
  noFacts,
  valueIn,
  type GpuColumn,
  type GpuFacts,
  type GpuIdentity,
  type GpuSheet,
  type GpuValue,
  type GpuValueId,
  type ValueOf,
} from './sheet.ts';
import {
  computeMode,
  countIn,
  inCelsius,
  inLanes,
  inMegahertz,
  inMiB,
  inPercent,
  inWatts,
  performanceState,
  plainNumber,
  switched,
} from './smi-units.ts';
import { throttleReasons } from './throttle.ts';

/** One column and the cells it may come from: the first that has a value counts. */
interface CellColumn {
  readonly id: GpuValueId;
  readonly fields: readonly string[];
  readonly read: (row: NvidiaSmiRow) => GpuValue;
}

const levels: readonly CellColumn[] = [
  level(columnOf('gpu_utilization_ratio'), ['utilization.gpu'], inPercent),
  level(columnOf('gpu_memory_activity_ratio'), ['utilization.memory'], inPercent),
  level(columnOf('gpu_encoder_utilization_ratio'), ['utilization.encoder'], inPercent),
  level(columnOf('gpu_decoder_utilization_ratio'), ['utilization.decoder'], inPercent),
  level(columnOf('gpu_jpeg_utilization_ratio'), ['utilization.jpeg'], inPercent),
  level(columnOf('gpu_ofa_utilization_ratio'), ['utilization.ofa'], inPercent),
  level(columnOf('gpu_memory_total_bytes'), ['memory.total'], inMiB),
  level(columnOf('gpu_memory_used_bytes'), ['memory.used'], inMiB),
  level(columnOf('gpu_memory_free_bytes'), ['memory.free'], inMiB),
  level(columnOf('gpu_memory_reserved_bytes'), ['memory.reserved'], inMiB),
  level(columnOf('gpu_power_watts'), ['power.draw', 'power.draw.average', 'power.draw.instant'], inWatts),
  level(columnOf('gpu_power_limit_watts'), ['power.limit'], inWatts),
  level(columnOf('gpu_power_limit_default_watts'), ['power.default_limit'], inWatts),
  level(columnOf('gpu_power_limit_min_watts'), ['power.min_limit'], inWatts),
  level(columnOf('gpu_power_limit_max_watts'), ['power.max_limit'], inWatts),
  level(columnOf('gpu_power_limit_enforced_watts'), ['enforced.power.limit'], inWatts),
  level(columnOf('gpu_temperature_celsius'), ['temperature.gpu'], inCelsius),
  level(columnOf('gpu_temperature_margin_celsius'), ['temperature.gpu.tlimit'], inCelsius),
  level(columnOf('gpu_memory_temperature_celsius'), ['temperature.memory'], inCelsius),
  level(columnOf('gpu_fan_speed_ratio'), ['fan.speed'], inPercent),
  level(columnOf('gpu_pcie_link_generation'), ['pcie.link.gen.current'], plainNumber),
  level(columnOf('gpu_pcie_link_generation_max'), ['pcie.link.gen.max'], plainNumber),
  level(columnOf('gpu_pcie_link_width'), ['pcie.link.width.current'], inLanes),
  level(columnOf('gpu_pcie_link_width_max'), ['pcie.link.width.max'], inLanes),
  level(columnOf('gpu_pstate'), ['pstate'], performanceState),
  level(columnOf('gpu_compute_mode'), ['compute_mode'], computeMode),
  level(columnOf('gpu_mig_mode'), ['mig.mode.current'], switched),
  level(columnOf('gpu_persistence_mode'), ['persistence_mode'], switched),
  level(columnOf('gpu_clock_hertz', { domain: 'graphics' }), ['clocks.current.graphics'], inMegahertz),
  level(columnOf('gpu_clock_hertz', { domain: 'sm' }), ['clocks.current.sm'], inMegahertz),
  level(columnOf('gpu_clock_hertz', { domain: 'memory' }), ['clocks.current.memory'], inMegahertz),
  level(columnOf('gpu_clock_hertz', { domain: 'video' }), ['clocks.current.video'], inMegahertz),
  level(columnOf('gpu_clock_max_hertz', { domain: 'graphics' }), ['clocks.max.graphics'], inMegahertz),
  level(columnOf('gpu_clock_max_hertz', { domain: 'sm' }), ['clocks.max.sm'], inMegahertz),
  level(columnOf('gpu_clock_max_hertz', { domain: 'memory' }), ['clocks.max.memory'], inMegahertz),
  level(columnOf('gpu_retired_pages', { cause: 'single_bit' }), ['retired_pages.single_bit_ecc.count'], plainNumber),
  level(columnOf('gpu_retired_pages', { cause: 'double_bit' }), ['retired_pages.double_bit.count'], plainNumber),
];

const THROTTLE_MASK = 'clocks_event_reasons.active';
const throttleColumns = throttleReasons.map(({ reason, bit }) => ({
  bit,
  column: columnOf('gpu_throttle_active', { reason }),
}));
/** Microseconds since the driver was loaded; drivers from 580 on. */
const throttleCounters = [
  'sw_power_cap',
  'sync_boost',
  'sw_thermal_slowdown',
  'hw_thermal_slowdown',
  'hw_power_brake_slowdown',
].map((reason) => ({
  field: `clocks_event_reasons_counters.${reason}`,
  column: columnOf('gpu_throttle_seconds_total', { reason }),
}));

/** A word, never a number that would be another one when cut short. */
const LAST_FIELD = 'persistence_mode';
const identityFields = ['index', 'uuid', 'pci.bus_id', 'count'];
const factFields = ['name', 'driver_version', 'vbios_version', 'serial', 'compute_cap'];
export const isIdentityField = (field: string): boolean => identityFields.includes(field) || factFields.includes(field);
const isFast = ({ id }: CellColumn): boolean => rowOf(id).lane === 'fast';
const fieldsOf = (columns: readonly CellColumn[]): readonly string[] => columns.flatMap(({ fields }) => fields);

/** Asked for every second, by their newest name. */
export const fastFields: readonly string[] = [
  ...identityFields,
  ...factFields,
  THROTTLE_MASK,
  ...throttleCounters.map(({ field }) => field),
  ...fieldsOf(levels.filter(isFast)),
  LAST_FIELD,
];

/** Everything. */
export const allFields: readonly string[] = [
  ...identityFields,
  ...factFields,
  THROTTLE_MASK,
  ...throttleCounters.map(({ field }) => field),
  ...eccFields,
  ...fieldsOf(levels).filter((field) => field !== LAST_FIELD),
  LAST_FIELD,
];

const laterFields =
  /^(utilization\.(encoder|decoder|jpeg|ofa)|memory\.reserved|mig\.|temperature\.gpu\.tlimit|power\.draw\.|retired_pages)/;

/** Asked for when the tool does not list its fields: what every driver since 2018 knows. */
export const coreFields: ReadonlySet<string> = new Set([
  ...identityFields,
  ...factFields.filter((field) => field !== 'compute_cap'),
  THROTTLE_MASK,
  ...fieldsOf(levels).filter((field) => !laterFields.test(field)),
]);

/** Reads rows for which `wanted` was asked. What the tool does not know of it is unsupported. */
export function createSheetReader(wanted: readonly string[]): (row: NvidiaSmiRow) => GpuSheet {
  const names = new Set(wanted);
  const columns = levels.filter(({ fields }) => fields.some((field) => names.has(field)));
  const ecc = eccFields.some((field) => names.has(field));
  return (row) => {
    const loss = lossOf(row);
    const values = loss === undefined ? valuesOf(row, columns, ecc) : [];
    return { identity: identityOf(row), facts: factsOf(row), loss, values };
  };
}

function valuesOf(row: NvidiaSmiRow, columns: readonly CellColumn[], ecc: boolean): readonly GpuValue[] {
  const values = columns.map(({ read }) => read(row));
  addThrottling(values, row);
  if (ecc) values.push(...eccValues(row));
  return values;
}

function identityOf(row: NvidiaSmiRow): GpuIdentity {
  const bus = textOfCell(row.get('pci.bus_id'));
  return {
    gpu: row.get('index') ?? '',
    uuid: textOfCell(row.get('uuid')),
    pci_bus_id: canonicalPciAddress(bus) ?? bus.toLowerCase(),
  };
}

function factsOf(row: NvidiaSmiRow): GpuFacts {
  return {
    ...noFacts,
    name: textOfCell(row.get('name')),
    driver: textOfCell(row.get('driver_version')),
    vbios: textOfCell(row.get('vbios_version')),
    serial: textOfCell(row.get('serial')),
    arch: architectureOf(textOfCell(row.get('compute_cap'))),
  };
}

/** Answers for these come from the GPU itself: errors in their place mean that it does not answer. */
const vitalFields = ['utilization.gpu', 'memory.used', 'temperature.gpu'] as const;

/** Why the GPU as a whole has no readings; undefined while it answers. */
function lossOf(row: NvidiaSmiRow): AbsenceReason | undefined {
  for (const cell of row.values()) if (saysLost(cell)) return 'not_present';
  return sayDead(vitalFields.map((field) => row.get(field))) ? 'malformed' : undefined;
}

function addThrottling(values: GpuValue[], row: NvidiaSmiRow): void {
  const cell = row.get(THROTTLE_MASK);
  const mask = cell === undefined ? absent('unsupported') : parseMask(cell);
  for (const { bit, column } of throttleColumns) {
    values.push(valueIn(column, isAbsent(mask) ? mask : Number((mask & bit) !== 0n)));
  }
  for (const { field, column } of throttleCounters) {
    const text = row.get(field);
    // A driver before 580 has none of them, later ones have those that the GPU counts.
    if (text !== undefined && absenceOfCell(text) === undefined)
      values.push(valueIn(column, countIn(text.replace(/ us$/, ''), '', 1000)));
  }
}

function level<M extends GpuValueId>(
  column: GpuColumn<M>,
  fields: readonly string[],
  valueOf: (cell: string) => ValueOf<M> | Absence,
): CellColumn {
  return { id: column.id, fields, read: (row) => valueIn(column, firstValue(row, fields, valueOf)) };
}

/** The first field that has a value; else why the first one has none. A field that the driver does not know is unsupported. */
function firstValue<V extends number | bigint>(
  row: NvidiaSmiRow,
  fields: readonly string[],
  valueOf: (cell: string) => V | Absence,
): V | Absence {
  let why: Absence | undefined;
  for (const field of fields) {
    const cell = row.get(field);
    const value = cell === undefined ? absent('unsupported') : valueOf(cell);
    if (!isAbsent(value)) return value;
    why ??= value;
  }
  return why ?? absent('unsupported');
}
