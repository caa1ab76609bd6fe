// ECC error counts of one row of nvidia-smi's CSV: which parts of memory are told apart, and their counts. nvidia-smi ecc.errors.*.
import { absent, isAbsent, type Absence } from '#agent/contract';
import type { NvidiaSmiRow } from '../nvidia-smi-csv.ts';
import { parseQuantity } from '../nvidia-smi-value.ts';
import { columnOf, valueIn, type GpuValue } from './sheet.ts';

const kinds = ['corrected', 'uncorrected'] as const;
const scopes = ['volatile', 'aggregate'] as const;
/** device_memory is dram by its older name: the second counts only where the first is silent. */
const parts = ['dram', 'sram', 'register_file', 'l1_cache', 'l2_cache', 'cbu', 'device_memory'] as const;

interface EccCounter {
  readonly kind: (typeof kinds)[number];
  readonly scope: (typeof scopes)[number];
  /** `all` only where no part is told apart: parts are exported, their sum is not. */
  readonly memory: (typeof parts)[number] | 'all';
}

export const eccFields: readonly string[] = kinds.flatMap((kind) =>
  scopes.flatMap((scope) => {
    const found = kind === 'uncorrected' ? ['sram.parity', 'sram.secded', 'total'] : ['total'];
    return [...parts, ...found].map((part) => `ecc.errors.${kind}.${scope}.${part}`);
  }),
);

export function eccValues(row: NvidiaSmiRow): readonly GpuValue[] {
  return kinds.flatMap((kind) => scopes.flatMap((scope) => valuesOf(row, kind, scope)));
}

function valuesOf(row: NvidiaSmiRow, kind: EccCounter['kind'], scope: EccCounter['scope']): readonly GpuValue[] {
  const known = parts.filter((memory) => !isAbsent(readEcc(row, { kind, scope, memory })));
  const apart = known.includes('dram') ? known.filter((memory) => memory !== 'device_memory') : known;
  const memories = apart.length > 0 ? apart : (['all'] as const);
  return memories.map((memory) =>
    valueIn(columnOf('gpu_ecc_errors_total', { kind, memory, scope }), readEcc(row, { kind, scope, memory })),
  );
}

function readEcc(row: NvidiaSmiRow, { kind, scope, memory }: EccCounter): number | Absence {
  const field = `ecc.errors.${kind}.${scope}`;
  const value = countOf(row, `${field}.${memory === 'all' ? 'total' : memory}`);
  return isAbsent(value) && memory === 'sram' ? sumOfSram(row, field, value) : value;
}

/** Uncorrected errors of the SRAM by what found them. */
function sumOfSram(row: NvidiaSmiRow, field: string, otherwise: Absence): number | Absence {
  const parity = countOf(row, `${field}.sram.parity`);
  const secded = countOf(row, `${field}.sram.secded`);
  return isAbsent(parity) || isAbsent(secded) ? otherwise : parity + secded;
}

function countOf(row: NvidiaSmiRow, field: string): number | Absence {
  const cell = row.get(field);
  const value = cell === undefined ? absent('unsupported') : parseQuantity(cell, '');
  return !isAbsent(value) && !Number.isSafeInteger(value) ? absent('malformed') : value;
}
