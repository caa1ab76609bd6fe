// ECC errors by place. Which places a GPU counts is found out once. Authority: nvml.h, nvmlMemoryLocation_t,
// nvmlDeviceGetMemoryErrorCounter, nvmlDeviceGetSramEccErrorStatus, nvmlDeviceGetTotalEccErrors.
import { column, fill, type Group } from './columns.ts';
import { countCell } from './fields.ts';
import { Question, type Device } from './question.ts';
import { readCount, sramEcc } from './structs.ts';

const kinds = [
  { kind: 'corrected', type: 0 },
  { kind: 'uncorrected', type: 1 },
] as const;
const scopes = [
  { scope: 'volatile', type: 0 },
  { scope: 'aggregate', type: 1 },
] as const;
const combinations = kinds.flatMap((kind) => scopes.map((scope) => ({ kind, scope })));
type Combination = (typeof combinations)[number];

const places = [
  { memory: 'l1_cache', location: 0 },
  { memory: 'l2_cache', location: 1 },
  { memory: 'device_memory', location: 2 },
  { memory: 'register_file', location: 3 },
  { memory: 'cbu', location: 6 },
] as const;
const SRAM = 7;

export function eccGroups(device: Device): readonly Group[] {
  const sram = sramGroups(device);
  const parts = [...sram, ...placeGroups(device, sram.length > 0)];
  return parts.length > 0 ? parts : combinations.map((combination) => totalGroup(device, combination));
}

/** Since Ampere all caches are told as SRAM, and device memory is called DRAM. */
function placeGroups(device: Device, hasSram: boolean): readonly Group[] {
  return places.flatMap(({ memory, location }) => {
    const name = location === 2 && hasSram ? 'dram' : memory;
    return combinations.flatMap((combination) => placeGroup(device, name, location, combination));
  });
}

function sramGroups(device: Device): readonly Group[] {
  const memory = Buffer.alloc(sramEcc.size);
  const get = device.nvml.bind('nvmlDeviceGetSramEccErrorStatus');
  const call = (): number => {
    memory.writeUInt32LE(sramEcc.version, 0);
    return get(device.handle, memory);
  };
  if (!device.try(call)) return combinations.flatMap((combination) => placeGroup(device, 'sram', SRAM, combination));
  const question = new Question(device, call);
  return [
    {
      columns: combinations.map(({ kind, scope }) =>
        column('gpu_ecc_errors_total', { kind: kind.kind, memory: 'sram', scope: scope.scope }),
      ),
      read: (cells, at) => {
        const missing = question.ask();
        if (missing !== undefined) fill(cells, at, combinations.length, missing);
        else
          for (const [index, { kind, scope }] of combinations.entries()) {
            const { parity, secDed, corrected } = sramEcc[scope.scope];
            cells[at + index] =
              kind.kind === 'corrected'
                ? countCell(readCount(memory, corrected))
                : Number(readCount(memory, parity)) + Number(readCount(memory, secDed));
          }
      },
    },
  ];
}

/** Nothing where the GPU does not count this there. */
function placeGroup(device: Device, name: string, location: number, { kind, scope }: Combination): readonly Group[] {
  const get = device.nvml.bind('nvmlDeviceGetMemoryErrorCounter');
  const memory = Buffer.alloc(8);
  const call = (): number => get(device.handle, kind.type, scope.type, location, memory);
  return device.try(call) ? [countGroup(device, name, { kind, scope }, memory, call)] : [];
}

function totalGroup(device: Device, combination: Combination): Group {
  const get = device.nvml.bind('nvmlDeviceGetTotalEccErrors');
  const memory = Buffer.alloc(8);
  const { kind, scope } = combination;
  return countGroup(device, 'all', combination, memory, () => get(device.handle, kind.type, scope.type, memory));
}

function countGroup(
  device: Device,
  name: string,
  { kind, scope }: Combination,
  memory: Buffer,
  call: () => number,
): Group {
  const question = new Question(device, call);
  return {
    columns: [column('gpu_ecc_errors_total', { kind: kind.kind, memory: name, scope: scope.scope })],
    read: (cells, at) => {
      cells[at] = question.ask() ?? countCell(readCount(memory, 0));
    },
  };
}
