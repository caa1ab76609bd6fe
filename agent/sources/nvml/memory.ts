// Device memory and BAR1. Authority: nvml.h, nvmlMemory_v2_t: since 510 what the driver reserves is told apart.
import { column, fill, type Cell, type Column, type Group } from './columns.ts';
import { Question, type Device } from './question.ts';
import { bar1Memory, memoryV1, memoryV2, readCount } from './structs.ts';

export function memoryGroup(device: Device): Group {
  return memoryOf(device, {});
}

/** Of a MIG instance, behind its own handle. */
export function instanceMemoryGroup(device: Device, labels: Readonly<{ mig_gi: string; mig_ci: string }>): Group {
  return memoryOf(device, labels);
}

function memoryOf(device: Device, labels: Column['labels']): Group {
  const { nvml, handle } = device;
  const v2 = Buffer.alloc(memoryV2.size);
  const v1 = Buffer.alloc(memoryV1.size);
  const getV2 = nvml.bind('nvmlDeviceGetMemoryInfo_v2');
  const getV1 = nvml.bind('nvmlDeviceGetMemoryInfo');
  const newer = new Question(device, () => {
    v2.writeUInt32LE(memoryV2.version, 0);
    return getV2(handle, v2);
  });
  const older = new Question(device, () => getV1(handle, v1));
  const isWhole = labels['mig_gi'] === undefined;
  const columns: readonly Column[] = [
    { id: 'gpu_memory_total_bytes', labels },
    { id: 'gpu_memory_used_bytes', labels },
    { id: 'gpu_memory_free_bytes', labels },
    ...(isWhole ? [column('gpu_memory_reserved_bytes')] : []),
  ];
  return {
    columns,
    read: (cells, at) => {
      const missing = newer.ask();
      if (missing === undefined) writeV2(cells, at, v2, isWhole);
      else if (newer.refused) writeV1(cells, at, older, v1, columns.length);
      else fill(cells, at, columns.length, missing);
    },
  };
}

function writeV2(cells: Cell[], at: number, memory: Buffer, isWhole: boolean): void {
  const total = Number(readCount(memory, memoryV2.total));
  const reserved = Number(readCount(memory, memoryV2.reserved));
  const free = Number(readCount(memory, memoryV2.free));
  cells[at] = total;
  // Headers contradict each other on whether `used` includes what is reserved.
  cells[at + 1] = free + reserved <= total ? total - free - reserved : 'malformed';
  cells[at + 2] = free;
  if (isWhole) cells[at + 3] = reserved;
}

function writeV1(cells: Cell[], at: number, question: Question, memory: Buffer, count: number): void {
  fill(cells, at, count, question.ask() ?? 'unsupported');
  if (cells[at] !== 'unsupported' || question.refused) return;
  cells[at] = readCount(memory, memoryV1.total);
  cells[at + 1] = readCount(memory, memoryV1.used);
  cells[at + 2] = readCount(memory, memoryV1.free);
}

export function bar1Group(device: Device): Group {
  const memory = Buffer.alloc(bar1Memory.size);
  const get = device.nvml.bind('nvmlDeviceGetBAR1MemoryInfo');
  const question = new Question(device, () => get(device.handle, memory));
  return {
    columns: [column('gpu_bar1_memory_used_bytes')],
    read: (cells, at) => {
      cells[at] = question.ask() ?? readCount(memory, bar1Memory.used);
    },
  };
}
