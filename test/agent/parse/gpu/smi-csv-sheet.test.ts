// Rows of nvidia-smi's CSV as sheets: the slow fields, ECC parts, and what was not asked for.
import { describe, expect, it } from 'vitest';
import { isAbsent } from '#agent/contract';
import { columnOf, type GpuColumn, type GpuSheet } from '../../../../agent/parse/gpu/sheet.ts';
import { allFields, createSheetReader, fastFields } from '../../../../agent/parse/gpu/smi-csv-sheet.ts';
import { gpuCells, type Cells } from '../../../doubles/nvidia-smi/cells.ts';

const sheetOf = (fields: readonly string[], overrides: Cells = {}): GpuSheet => {
  const cells = gpuCells(0, 1, overrides);
  return createSheetReader(fields)(new Map(fields.map((field) => [field, cells[field] ?? '[N/A]'])));
};

/** The value, the reason of its absence, or undefined if the sheet has no such column. */
function valueOf(sheet: GpuSheet, column: GpuColumn) {
  const value = sheet.values.find((one) => one.column === column)?.value;
  return isAbsent(value) ? value.reason : value;
}

describe('all fields', () => {
  it('of a V100', () => {
    const sheet = sheetOf(allFields);
    const values = [
      columnOf('gpu_power_limit_watts'),
      columnOf('gpu_clock_max_hertz', { domain: 'sm' }),
      columnOf('gpu_pcie_link_width'),
      columnOf('gpu_pstate'),
      columnOf('gpu_compute_mode'),
      columnOf('gpu_persistence_mode'),
      columnOf('gpu_retired_pages', { cause: 'single_bit' }),
      columnOf('gpu_mig_mode'),
    ].map((column) => valueOf(sheet, column));
    expect(values).toEqual([350, 1597e6, 16, 0, 3, 1, 2, 'unsupported']);
    expect(sheet.facts).toMatchObject({ name: 'Tesla V100-SXM3-32GB', driver: '470.256.02', arch: 'Volta', cuda: '' });
  });

  it('parts of ECC errors, their sum only where no part is known', () => {
    const sheet = sheetOf(allFields, {
      'ecc.errors.uncorrected.volatile.sram.parity': '1',
      'ecc.errors.uncorrected.volatile.sram.secded': '2',
      'ecc.errors.uncorrected.aggregate.total': '9',
      'ecc.errors.corrected.aggregate.dram': '4',
      'ecc.errors.corrected.aggregate.device_memory': '4',
    });
    const ecc = (kind: string, scope: string, memory: string) =>
      valueOf(sheet, columnOf('gpu_ecc_errors_total', { kind, scope, memory }));
    expect(ecc('corrected', 'volatile', 'device_memory')).toBe(3);
    expect(ecc('corrected', 'volatile', 'all')).toBeUndefined();
    expect(ecc('uncorrected', 'volatile', 'sram')).toBe(3);
    expect(ecc('uncorrected', 'aggregate', 'all')).toBe(9);
    expect(ecc('corrected', 'aggregate', 'dram')).toBe(4);
    expect(ecc('corrected', 'aggregate', 'device_memory')).toBeUndefined();
  });

  it('a count that no number holds exactly is malformed', () => {
    const sheet = sheetOf(allFields, { 'ecc.errors.corrected.volatile.dram': '9007199254740993' });
    expect(
      valueOf(sheet, columnOf('gpu_ecc_errors_total', { kind: 'corrected', scope: 'volatile', memory: 'dram' })),
    ).toBeUndefined();
  });
});

describe('the fields of every second', () => {
  it('have no column that was not asked for', () => {
    const sheet = sheetOf(fastFields);
    expect(valueOf(sheet, columnOf('gpu_utilization_ratio'))).toBe(0.97);
    expect(valueOf(sheet, columnOf('gpu_power_limit_watts'))).toBeUndefined();
    expect(sheet.values.some(({ column }) => column.id === 'gpu_ecc_errors_total')).toBe(false);
  });

  it('end in a word, so that a line cut short ends in no wrong number', () => {
    expect([fastFields.at(-1), allFields.at(-1)]).toEqual(['persistence_mode', 'persistence_mode']);
  });
});
