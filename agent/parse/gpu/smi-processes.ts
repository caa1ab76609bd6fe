// Processes on GPUs: `nvidia-smi pmon` (their share of the SMs) and `--query-compute-apps --format=csv` (their memory).
import { isAbsent } from '#agent/contract';
import { cellsOf, parseCsvHeader } from '../nvidia-smi-csv.ts';
import { parseQuantity, textOfCell } from '../nvidia-smi-value.ts';
import { parseColumnTable } from './column-table.ts';
import type { GpuProcessUse } from './sheet.ts';
import { inMiB } from './smi-units.ts';
import { processKindOf } from './smi-xml-parts.ts';

export interface PmonProcess {
  /** NVML's index of the GPU. */
  readonly gpu: string;
  readonly pid: number;
  /** Cut to fifteen characters by the tool. */
  readonly name: string;
  readonly kind: GpuProcessUse['kind'];
  /** Share of the SMs' time, 0–1; undefined where the driver had no sample of it. */
  readonly smUtilization: number | undefined;
}

/** A GPU without processes has a line of dashes. */
export function parsePmon(text: string): readonly PmonProcess[] {
  return parseColumnTable(text).rows.flatMap((row) => {
    const pid = row.get('pid') ?? '';
    if (!/^\d{1,10}$/.test(pid)) return [];
    const percent = parseQuantity(row.get('sm') ?? '', '%');
    return [
      {
        gpu: row.get('gpu') ?? '',
        pid: Number(pid),
        name: row.get('command') ?? row.get('name') ?? '',
        kind: processKindOf(row.get('type') ?? ''),
        smUtilization: isAbsent(percent) ? undefined : percent / 100,
      },
    ];
  });
}

/** By UUID of the GPU. The header names the columns; a process name may hold commas. */
export function parseComputeApps(text: string): ReadonlyMap<string, readonly GpuProcessUse[]> {
  const [header = '', ...lines] = text.split('\n').slice(0, -1);
  const fields = parseCsvHeader(header);
  const byGpu = new Map<string, GpuProcessUse[]>();
  for (const line of lines) {
    const cells = cellsByField(line, fields);
    const pid = cells?.get('pid') ?? '';
    if (!cells || !/^\d{1,10}$/.test(pid)) continue;
    const uuid = cells.get('gpu_uuid') ?? '';
    const app = {
      pid: Number(pid),
      name: textOfCell(cells.get('process_name')),
      kind: 'compute',
      memoryBytes: inMiB(cells.get('used_gpu_memory') ?? cells.get('used_memory') ?? ''),
    } as const;
    byGpu.set(uuid, [...(byGpu.get(uuid) ?? []), app]);
  }
  return byGpu;
}

/** Cells beyond the number of fields belong to the name. */
function cellsByField(line: string, fields: readonly string[]): ReadonlyMap<string, string> | undefined {
  const cells = cellsOf(line);
  const surplus = cells.length - fields.length;
  const at = fields.indexOf('process_name');
  if (surplus < 0 || (surplus > 0 && at < 0)) return undefined;
  const end = at + surplus + 1;
  const whole = surplus === 0 ? cells : [...cells.slice(0, at), cells.slice(at, end).join(', '), ...cells.slice(end)];
  return new Map(fields.map((field, index) => [field, whole[index] ?? '']));
}
