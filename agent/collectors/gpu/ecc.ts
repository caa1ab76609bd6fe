// ECC error counts of one row: which parts of memory are told apart, and their counts. nvidia-smi ecc.errors.*.
import { absent, isAbsent, type Absence } from '#agent/contract';
import type { NvidiaSmiRow } from '../../parse/nvidia-smi-csv.ts';
import { parseQuantity } from '../../parse/nvidia-smi-value.ts';
import { eccKinds, eccParts, eccScopes, type EccPart } from './fields.ts';

export interface EccCounter {
  readonly kind: (typeof eccKinds)[number];
  readonly scope: (typeof eccScopes)[number];
  /** `all` only where no part is told apart: parts are exported, their sum is not. */
  readonly memory: EccPart | 'all';
}

export function eccCounters(row: NvidiaSmiRow): readonly EccCounter[] {
  return eccKinds.flatMap((kind) =>
    eccScopes.flatMap((scope): readonly EccCounter[] => {
      const known = eccParts.filter((memory) => !isAbsent(readEcc(row, { kind, scope, memory })));
      const parts = known.includes('dram') ? known.filter((memory) => memory !== 'device_memory') : known;
      return parts.length > 0 ? parts.map((memory) => ({ kind, scope, memory })) : [{ kind, scope, memory: 'all' }];
    }),
  );
}

export function readEcc(row: NvidiaSmiRow, { kind, scope, memory }: EccCounter): number | Absence {
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
