// Memory that was taken out of use: pages up to Volta, rows since Ampere; and what the driver asks to be done.
// Authority: nvml.h, nvmlDeviceGetRetiredPages, nvmlDeviceGetRemappedRows, field 230.
import { column, fill, plain, type Cell, type Group } from './columns.ts';
import { numberCell, type Field } from './fields.ts';
import { Question, type Device } from './question.ts';
import { INSUFFICIENT_SIZE, SUCCESS } from './return-codes.ts';

const causes = [
  { cause: 'single_bit', type: 0 },
  { cause: 'double_bit', type: 1 },
] as const;
const availabilities = ['max', 'high', 'partial', 'low', 'none'] as const;

export function retiredPageGroups(device: Device): readonly Group[] {
  return [...causes.map((cause) => retiredGroup(device, cause)), pendingGroup(device)];
}

function retiredGroup(device: Device, { cause, type }: (typeof causes)[number]): Group {
  const get = device.nvml.bind('nvmlDeviceGetRetiredPages');
  const count = Buffer.alloc(4);
  const question = new Question(device, () => {
    // Without room for addresses it only says how many there are.
    count.writeUInt32LE(0);
    const code = get(device.handle, type, count, null);
    return code === INSUFFICIENT_SIZE ? SUCCESS : code;
  });
  return {
    columns: [column('gpu_retired_pages', { cause })],
    read: (cells, at) => {
      cells[at] = question.ask() ?? plain(count.readUInt32LE(0));
    },
  };
}

function pendingGroup(device: Device): Group {
  const get = device.nvml.bind('nvmlDeviceGetRetiredPagesPendingStatus');
  const memory = Buffer.alloc(4);
  const question = new Question(device, () => get(device.handle, memory));
  return {
    columns: [column('gpu_retired_pages_pending')],
    read: (cells, at) => {
      cells[at] = question.ask() ?? flag(memory.readUInt32LE(0));
    },
  };
}

export function remappedRowGroup(device: Device): Group {
  const get = device.nvml.bind('nvmlDeviceGetRemappedRows');
  const numbers = Array.from({ length: 4 }, () => Buffer.alloc(4));
  const [corrected, uncorrected, pending, failed] = numbers;
  const question = new Question(device, () =>
    get(device.handle, corrected ?? null, uncorrected ?? null, pending ?? null, failed ?? null),
  );
  return {
    columns: [
      column('gpu_remapped_rows', { kind: 'corrected' }),
      column('gpu_remapped_rows', { kind: 'uncorrected' }),
      column('gpu_remapped_rows_pending'),
      column('gpu_remapped_rows_failed'),
    ],
    read: (cells, at) => {
      const missing = question.ask();
      if (missing !== undefined) fill(cells, at, numbers.length, missing);
      else
        for (const [index, number] of numbers.entries())
          cells[at + index] = index < 2 ? plain(number.readUInt32LE(0)) : flag(number.readUInt32LE(0));
    },
  };
}

export function remapperBankGroup(device: Device): Group {
  const get = device.nvml.bind('nvmlDeviceGetRowRemapperHistogram');
  const memory = Buffer.alloc(4 * availabilities.length);
  const question = new Question(device, () => get(device.handle, memory));
  return {
    columns: availabilities.map((availability) => column('gpu_row_remapper_banks', { availability })),
    read: (cells, at) => {
      const missing = question.ask();
      if (missing !== undefined) fill(cells, at, availabilities.length, missing);
      else
        for (let index = 0; index < availabilities.length; index++) cells[at + index] = memory.readUInt32LE(4 * index);
    },
  };
}

export const recoveryFields: readonly Field[] = [
  { column: column('gpu_recovery_action'), fieldId: 230, cell: numberCell(plain) },
];

function flag(value: number): Cell {
  return value === 0 ? 0 : 1;
}
