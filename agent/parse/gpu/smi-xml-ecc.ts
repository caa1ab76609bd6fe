// ECC error counts of one GPU in `nvidia-smi -q -x`: by part of memory up to Volta and Turing, by SRAM and DRAM from Ampere on.
import { absent, isAbsent, type Absence, type Steps } from '#agent/contract';
import { columnOf, valueIn, type GpuValue } from './sheet.ts';
import { countIn } from './smi-units.ts';
import { elementAt, type XmlElement } from './xml-elements.ts';

type Kind = 'corrected' | 'uncorrected';

/** A part of memory, and the elements whose sum is its count. */
interface Part {
  readonly memory: string;
  readonly paths: readonly (readonly string[])[];
}

const scopes = ['volatile', 'aggregate'] as const;
const kinds = ['corrected', 'uncorrected'] as const;
const oldParts = ['device_memory', 'register_file', 'l1_cache', 'l2_cache', 'cbu'] as const;

export function eccValues(gpu: XmlElement): readonly GpuValue[] {
  return scopes.flatMap((scope) => {
    const errors = elementAt(gpu, ['ecc_errors', scope]);
    if (!errors) return [];
    return kinds.flatMap((kind) =>
      countsOf(errors, kind).map(({ memory, count }) =>
        valueIn(columnOf('gpu_ecc_errors_total', { kind, memory, scope }), count),
      ),
    );
  });
}

interface PartCount {
  readonly memory: string;
  readonly count: Steps | Absence;
}

/** Parts that have a count; where none has one, the total says why. Parts are exported, their sum is not. */
function countsOf(errors: XmlElement, kind: Kind): readonly PartCount[] {
  const counts = [...oldLayout(kind), ...newLayout(errors, kind)].flatMap(({ memory, paths }) => {
    const count = sumAt(errors, paths);
    return count === undefined ? [] : [{ memory, count }];
  });
  const known = counts.filter(({ count }) => !isAbsent(count));
  if (known.length > 0) return known;
  const total = sumAt(errors, [[oldName(kind), 'total']]) ?? counts[0]?.count;
  return total === undefined ? [] : [{ memory: 'all', count: total }];
}

function oldLayout(kind: Kind): readonly Part[] {
  return oldParts.map((memory) => ({ memory, paths: [[oldName(kind), memory]] }));
}

/** From driver 550 on uncorrected errors of the SRAM are told apart by what found them. */
function newLayout(errors: XmlElement, kind: Kind): readonly Part[] {
  const error = kind === 'corrected' ? 'correctable' : 'uncorrectable';
  const whole = [`sram_${error}`];
  const apart = [['sram_uncorrectable_parity'], ['sram_uncorrectable_secded']];
  const sram = elementAt(errors, whole) || kind === 'corrected' ? [whole] : apart;
  return [
    { memory: 'dram', paths: [[`dram_${error}`]] },
    { memory: 'sram', paths: sram },
  ];
}

function oldName(kind: Kind): string {
  return kind === 'corrected' ? 'single_bit' : 'double_bit';
}

/** Undefined where this layout has none of the elements; absent where one of them has no count. */
function sumAt(errors: XmlElement, paths: Part['paths']): Steps | Absence | undefined {
  const texts = paths.flatMap((path) => elementAt(errors, path)?.text ?? []);
  if (texts.length === 0) return undefined;
  if (texts.length < paths.length) return absent('malformed');
  let sum = 0n;
  for (const text of texts) {
    const count = countIn(text, '', 1);
    if (isAbsent(count)) return count;
    sum += BigInt(count);
  }
  return sum <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(sum) : sum;
}
