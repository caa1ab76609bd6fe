// What nvidia-smi 470 prints on V100 for --query-gpu, --query-compute-apps, --help-query-gpu and -L.
import type { NodeState } from '../workload.ts';
import { gpuColumns, knownWhenLost, LOST, NONE, type Cell, type Column } from './nvidia-smi-columns.ts';
import { lostMessage, smiBusId, timestampOf } from './smi-text.ts';

const byName = new Map(gpuColumns.flatMap((column) => column[0].split(' ').map((name) => [name, column] as const)));

export const gpuFieldNames: readonly string[] = [...byName.keys()];

export interface CsvFormat {
  readonly header: boolean;
  readonly units: boolean;
}

/** The lines of one query after another: the header, and one line per GPU for each state. */
export class GpuQuery {
  readonly #columns: readonly Column[];
  readonly #format: CsvFormat;

  /** Unknown fields are left out: the program has refused them before. */
  constructor(fields: readonly string[], format: CsvFormat) {
    this.#columns = fields.flatMap((field) => {
      const column = byName.get(field);
      return column ? [column] : [];
    });
    this.#format = format;
  }

  /** Empty if none is wanted. */
  get header(): string {
    if (!this.#format.header) return '';
    return `${this.#columns.map(([names, , , unit]) => `${names.split(' ')[0] ?? ''}${unit ? ` [${unit}]` : ''}`).join(', ')}\n`;
  }

  rows(state: NodeState, wall: Date): string {
    return cellsOf(state, wall)
      .map((cell) => this.#row(cell))
      .join('');
  }

  #row(cell: Cell): string {
    const cells = this.#columns.map(([names, , read, unit]) => {
      const text = cell.gpu.lost && !knownWhenLost.has(names.split(' ')[0] ?? '') ? lostText(read(cell)) : read(cell);
      return unit === undefined || !this.#format.units || text === NONE || text === LOST ? text : `${text} ${unit}`;
    });
    return `${cells.join(', ')}\n`;
  }
}

export function cellsOf({ hardware, gpus, gpuCounters }: NodeState, wall: Date): readonly Cell[] {
  return hardware.gpus.flatMap((one, index) => {
    const [gpu, counters] = [gpus[index], gpuCounters[index]];
    if (!gpu || !counters) return [];
    return [{ gpu, counters, hardware: one, model: hardware.platform.gpu, gpus: hardware.gpus.length, wall }];
  });
}

/** What this board never had is not lost with it. */
function lostText(text: string): string {
  return text === NONE ? NONE : LOST;
}

/** Columns of --query-compute-apps in the order in which the stand-in keeps them. */
export const appFields = [
  'timestamp',
  'gpu_name',
  'gpu_bus_id',
  'gpu_serial',
  'gpu_uuid',
  'pid',
  'process_name',
  'used_gpu_memory',
];

/** One line per process, cells parted by bars. */
export function renderApps({ hardware, gpus }: NodeState, wall: Date): string {
  const time = timestampOf(wall);
  return hardware.gpus
    .map((one, index) => {
      const process = gpus[index]?.process;
      if (!process) return '';
      const { name } = hardware.platform.gpu;
      return `${[time, name, smiBusId(one.bus), one.serial, one.uuid, process.pid, process.name, `${process.memoryMiB} MiB`].join('|')}\n`;
    })
    .join('');
}

export function renderHelp(): string {
  const entries = gpuColumns.map(
    ([names, text]) =>
      `${names
        .split(' ')
        .map((name) => `"${name}"`)
        .join(' or ')}\n${text}.\n`,
  );
  return `List of valid properties to query for the switch "--query-gpu=":\n\n${entries.join('\n')}`;
}

export function renderList({ hardware, gpus }: NodeState): string {
  const { name } = hardware.platform.gpu;
  return hardware.gpus
    .map((one) =>
      gpus[one.index]?.lost === true ? `${lostMessage(one.bus)}\n` : `GPU ${one.index}: ${name} (UUID: ${one.uuid})\n`,
    )
    .join('');
}
