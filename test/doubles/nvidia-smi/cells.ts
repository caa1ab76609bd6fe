// What a V100 of a healthy node answers for every field that we ask for, and the lines and helps made of it.
import { allFields as queryFields } from '../../../agent/parse/gpu/smi-csv-sheet.ts';

export type Cells = Readonly<Record<string, string>>;

const healthy: Cells = {
  name: 'Tesla V100-SXM3-32GB',
  driver_version: '470.256.02',
  vbios_version: '88.00.80.00.01',
  serial: '0323718000000',
  compute_cap: '7.0',
  'utilization.gpu': '97',
  'utilization.memory': '52',
  'memory.total': '32510',
  'memory.used': '31689',
  'memory.free': '821',
  'power.draw': '232.80',
  'power.limit': '350.00',
  'enforced.power.limit': '350.00',
  'power.default_limit': '350.00',
  'power.min_limit': '100.00',
  'power.max_limit': '350.00',
  'temperature.gpu': '66',
  'temperature.memory': '63',
  'clocks.current.graphics': '1410',
  'clocks.current.sm': '1410',
  'clocks.current.memory': '958',
  'clocks.current.video': '1252',
  'clocks.max.graphics': '1597',
  'clocks.max.sm': '1597',
  'clocks.max.memory': '958',
  'clocks_event_reasons.active': '0x0000000000000004',
  'clocks_event_reasons_counters.sw_power_cap': '7015662857',
  'retired_pages.single_bit_ecc.count': '2',
  'retired_pages.double_bit.count': '0',
  'ecc.errors.corrected.volatile.device_memory': '3',
  'ecc.errors.corrected.volatile.register_file': '0',
  'ecc.errors.corrected.volatile.total': '3',
  'pcie.link.gen.current': '3',
  'pcie.link.gen.max': '3',
  'pcie.link.width.current': '16',
  'pcie.link.width.max': '16',
  pstate: 'P0',
  compute_mode: 'Exclusive_Process',
  persistence_mode: 'Enabled',
};

export function uuidOf(index: number): string {
  return `GPU-12345678-1234-1234-1234-1234567800${String(index).padStart(2, '0')}`;
}

/** One GPU's cells; what is not named is [N/A]. */
export function gpuCells(index: number, count: number, overrides: Cells = {}): Cells {
  const identity = {
    index: String(index),
    uuid: uuidOf(index),
    'pci.bus_id': `00000000:${(0x1a + index).toString(16).toUpperCase()}:00.0`,
    count: String(count),
  };
  return { ...Object.fromEntries(queryFields.map((field) => [field, '[N/A]'])), ...healthy, ...identity, ...overrides };
}

export function lineOf(fields: readonly string[], cells: Cells): string {
  return fields.map((field) => cells[field] ?? '[N/A]').join(', ');
}

/** Lines of one tick of a node of healthy GPUs, with some cells of some GPUs otherwise. */
export function tickLines(
  fields: readonly string[],
  count: number,
  overrides: Readonly<Record<number, Cells>> = {},
): readonly string[] {
  return Array.from({ length: count }, (_, index) => lineOf(fields, gpuCells(index, count, overrides[index])));
}

export function helpText(fields: readonly string[]): string {
  const entries = fields.map((field) => `"${field}"\nWhat ${field} says.\n`);
  return `List of valid properties to query for the switch "--query-gpu=":\n\n${entries.join('\n')}`;
}
