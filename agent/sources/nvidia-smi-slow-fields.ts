// The slow quantities from a tool that does not speak XML: one `--query-gpu`, repeated without each field that it refuses.
import { parseNvidiaSmiCsv, parseRefusedField } from '../parse/nvidia-smi-csv.ts';
import { ParseError } from '../parse/parse-error.ts';
import type { GpuSheet } from '../parse/gpu/sheet.ts';
import { allFields, createSheetReader, fastFields, isIdentityField } from '../parse/gpu/smi-csv-sheet.ts';

const fast = new Set(fastFields);
const slowFields = allFields.filter((field) => isIdentityField(field) || !fast.has(field));

export interface SlowAnswer {
  readonly text: string;
  readonly isGood: boolean;
}

/** Empty if it cannot be had either. `ask` gives undefined when nobody waits for the answer any more. */
export async function askSlowFields(
  ask: (args: readonly string[]) => Promise<SlowAnswer | undefined>,
): Promise<readonly GpuSheet[]> {
  let fields = slowFields;
  for (let left = fields.length; left > 0; left--) {
    const answer = await ask([`--query-gpu=${fields.join(',')}`, '--format=csv,nounits']);
    if (!answer) return [];
    const refused = answer.isGood ? undefined : parseRefusedField(answer.text);
    if (refused === undefined || !fields.includes(refused)) return answer.isGood ? readSheets(answer.text) : [];
    fields = fields.filter((field) => field !== refused);
  }
  return [];
}

function readSheets(text: string): readonly GpuSheet[] {
  try {
    return parseNvidiaSmiCsv(text, 'nvidia-smi --query-gpu').rows.map(createSheetReader(slowFields));
  } catch (error) {
    if (error instanceof ParseError) return [];
    throw error;
  }
}
