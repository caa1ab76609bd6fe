// Which field of nvidia-smi fills which row, and in what unit it is printed. nvidia-smi --help-query-gpu.
import { isAbsent, type Absence, type GaugeId } from '#agent/contract';
import { parseQuantity, parseWord } from '../../parse/nvidia-smi-value.ts';

/** Rows with no labels but the GPU's own. */
type GpuGaugeId = Exclude<
  GaugeId & `gpu_${string}`,
  | 'gpu_reader_up'
  | 'gpu_clock_hertz'
  | 'gpu_clock_max_hertz'
  | 'gpu_throttle_active'
  | 'gpu_processes'
  | 'gpu_up'
  | 'gpu_retired_pages'
>;

export interface GaugeField {
  readonly id: GpuGaugeId;
  /** The first of these that has a value counts. */
  readonly fields: readonly string[];
  readonly valueOf: (cell: string) => number | Absence;
}

const MIB = 1024 * 1024;
export const MEGAHERTZ = 1e6;
const switches = ['Disabled', 'Enabled'];
const computeModes = ['Default', 'Exclusive_Thread', 'Prohibited', 'Exclusive_Process'];

export const gaugeFields: readonly GaugeField[] = [
  percent('gpu_utilization_ratio', 'utilization.gpu'),
  percent('gpu_memory_activity_ratio', 'utilization.memory'),
  percent('gpu_encoder_utilization_ratio', 'utilization.encoder'),
  percent('gpu_decoder_utilization_ratio', 'utilization.decoder'),
  quantity('gpu_memory_total_bytes', ['memory.total'], 'MiB', MIB),
  quantity('gpu_memory_used_bytes', ['memory.used'], 'MiB', MIB),
  quantity('gpu_memory_free_bytes', ['memory.free'], 'MiB', MIB),
  quantity('gpu_memory_reserved_bytes', ['memory.reserved'], 'MiB', MIB),
  quantity('gpu_power_watts', ['power.draw', 'power.draw.average', 'power.draw.instant'], 'W'),
  quantity('gpu_power_limit_watts', ['power.limit'], 'W'),
  quantity('gpu_power_limit_default_watts', ['power.default_limit'], 'W'),
  quantity('gpu_power_limit_min_watts', ['power.min_limit'], 'W'),
  quantity('gpu_power_limit_max_watts', ['power.max_limit'], 'W'),
  quantity('gpu_power_limit_enforced_watts', ['enforced.power.limit'], 'W'),
  quantity('gpu_temperature_celsius', ['temperature.gpu'], 'C'),
  quantity('gpu_memory_temperature_celsius', ['temperature.memory'], 'C'),
  percent('gpu_fan_speed_ratio', 'fan.speed'),
  quantity('gpu_pcie_link_generation', ['pcie.link.gen.current'], ''),
  quantity('gpu_pcie_link_generation_max', ['pcie.link.gen.max'], ''),
  quantity('gpu_pcie_link_width', ['pcie.link.width.current'], 'x'),
  quantity('gpu_pcie_link_width_max', ['pcie.link.width.max'], 'x'),
  { id: 'gpu_pstate', fields: ['pstate'], valueOf: (cell) => parseQuantity(cell.replace(/^P(?=\d)/, ''), '') },
  { id: 'gpu_compute_mode', fields: ['compute_mode'], valueOf: (cell) => parseWord(cell, computeModes) },
  { id: 'gpu_mig_mode', fields: ['mig.mode.current'], valueOf: (cell) => parseWord(cell, switches) },
  { id: 'gpu_persistence_mode', fields: ['persistence_mode'], valueOf: (cell) => parseWord(cell, switches) },
];

export const clockFields = [
  { id: 'gpu_clock_hertz', domain: 'graphics', field: 'clocks.current.graphics' },
  { id: 'gpu_clock_hertz', domain: 'sm', field: 'clocks.current.sm' },
  { id: 'gpu_clock_hertz', domain: 'memory', field: 'clocks.current.memory' },
  { id: 'gpu_clock_hertz', domain: 'video', field: 'clocks.current.video' },
  { id: 'gpu_clock_max_hertz', domain: 'graphics', field: 'clocks.max.graphics' },
  { id: 'gpu_clock_max_hertz', domain: 'sm', field: 'clocks.max.sm' },
  { id: 'gpu_clock_max_hertz', domain: 'memory', field: 'clocks.max.memory' },
] as const;

export const THROTTLE_MASK = 'clocks_event_reasons.active';

/** Bits of nvmlClocksEventReasons. */
export const throttleBits = [
  { reason: 'gpu_idle', bit: 0x1n },
  { reason: 'applications_clocks_setting', bit: 0x2n },
  { reason: 'sw_power_cap', bit: 0x4n },
  { reason: 'hw_slowdown', bit: 0x8n },
  { reason: 'sync_boost', bit: 0x10n },
  { reason: 'sw_thermal_slowdown', bit: 0x20n },
  { reason: 'hw_thermal_slowdown', bit: 0x40n },
  { reason: 'hw_power_brake_slowdown', bit: 0x80n },
  { reason: 'display_clocks_setting', bit: 0x100n },
] as const;

/** Microseconds since the driver was loaded; drivers from 580 on. */
export const throttleCounters = [
  'sw_power_cap',
  'sync_boost',
  'sw_thermal_slowdown',
  'hw_thermal_slowdown',
  'hw_power_brake_slowdown',
].map((reason) => ({ reason, field: `clocks_event_reasons_counters.${reason}` }));

export const retiredPageFields = [
  { cause: 'single_bit', field: 'retired_pages.single_bit_ecc.count' },
  { cause: 'double_bit', field: 'retired_pages.double_bit.count' },
] as const;

export const eccKinds = ['corrected', 'uncorrected'] as const;
export const eccScopes = ['volatile', 'aggregate'] as const;
/** device_memory is dram by its older name: the second counts only where the first is silent. */
export const eccParts = ['dram', 'sram', 'register_file', 'l1_cache', 'l2_cache', 'cbu', 'device_memory'] as const;
export type EccPart = (typeof eccParts)[number];

const eccFields = eccKinds.flatMap((kind) =>
  eccScopes.flatMap((scope) => {
    const parts =
      kind === 'uncorrected' ? [...eccParts, 'sram.parity', 'sram.secded', 'total'] : [...eccParts, 'total'];
    return parts.map((part) => `ecc.errors.${kind}.${scope}.${part}`);
  }),
);

const identityFields = [
  'index',
  'uuid',
  'pci.bus_id',
  'count',
  'name',
  'driver_version',
  'vbios_version',
  'serial',
  'compute_cap',
];

/** Fields by their newest name. The last one is a word: a line that was cut short cannot end in a wrong number. */
export const queryFields: readonly string[] = [
  ...identityFields,
  ...clockFields.map(({ field }) => field),
  THROTTLE_MASK,
  ...throttleCounters.map(({ field }) => field),
  ...retiredPageFields.map(({ field }) => field),
  ...eccFields,
  ...gaugeFields.flatMap(({ fields }) => fields),
];

/** Asked for when the tool does not list its fields: what every driver since 2018 knows. */
export const coreFields: ReadonlySet<string> = new Set([
  ...identityFields.filter((field) => field !== 'compute_cap'),
  ...clockFields.map(({ field }) => field),
  THROTTLE_MASK,
  ...gaugeFields
    .filter(({ id }) => id !== 'gpu_memory_reserved_bytes' && id !== 'gpu_mig_mode')
    .flatMap(({ fields }) => fields.slice(0, 1))
    .filter((field) => !field.endsWith('coder')),
]);

function percent(id: GpuGaugeId, field: string): GaugeField {
  return quantity(id, [field], '%', 0.01);
}

function quantity(id: GpuGaugeId, fields: readonly string[], unit: string, factor = 1): GaugeField {
  return {
    id,
    fields,
    valueOf: (cell) => {
      const value = parseQuantity(cell, unit);
      return isAbsent(value) ? value : value * factor;
    },
  };
}
