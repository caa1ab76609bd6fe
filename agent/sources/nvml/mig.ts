// MIG instances of a GPU. Authority: nvml.h, nvmlDeviceGetMigDeviceHandleByIndex, nvmlDeviceAttributes_t.
import type { MigInstance } from '../../parse/gpu/sheet.ts';
import { column, type Group } from './columns.ts';
import { Question, type Device } from './question.ts';
import { SUCCESS } from './return-codes.ts';
import { deviceAttributes, readCount, readText } from './structs.ts';

export interface MigDevice extends MigInstance {
  readonly gi: number;
  readonly handle: bigint;
}

export function migModeGroup(device: Device): Group {
  const current = Buffer.alloc(4);
  const pending = Buffer.alloc(4);
  const get = device.nvml.bind('nvmlDeviceGetMigMode');
  const question = new Question(device, () => get(device.handle, current, pending));
  return {
    columns: [column('gpu_mig_mode')],
    read: (cells, at) => {
      cells[at] = question.ask() ?? current.readUInt32LE(0);
    },
  };
}

/** undefined where the GPU has no MIG at all. */
export function findMigDevices(device: Device): readonly MigDevice[] | undefined {
  const { nvml, handle } = device;
  const current = Buffer.alloc(4);
  const pending = Buffer.alloc(4);
  const getMode = nvml.bind('nvmlDeviceGetMigMode');
  if (!device.try(() => getMode(handle, current, pending))) return undefined;
  const most = Buffer.alloc(4);
  const getMost = nvml.bind('nvmlDeviceGetMaxMigDeviceCount');
  if (current.readUInt32LE(0) !== 1 || !device.try(() => getMost(handle, most))) return [];
  const places = Array.from({ length: Math.min(most.readUInt32LE(0), 16) }, (_, place) => place);
  return places.flatMap((place) => migDeviceAt(device, place) ?? []);
}

function migDeviceAt(device: Device, place: number): MigDevice | undefined {
  const memory = Buffer.alloc(8);
  const getHandle = device.nvml.bind('nvmlDeviceGetMigDeviceHandleByIndex');
  // Places between instances are empty: no matter for the GPU as a whole.
  if (getHandle(device.handle, place, memory) !== SUCCESS) return undefined;
  const handle = memory.readBigUInt64LE(0);
  const gi = idOf(device, 'nvmlDeviceGetGpuInstanceId', handle);
  const ci = idOf(device, 'nvmlDeviceGetComputeInstanceId', handle);
  if (gi === undefined || ci === undefined) return undefined;
  return { handle, gi, mig_gi: String(gi), mig_ci: String(ci), profile: profileOf(device, handle) };
}

function idOf(
  device: Device,
  name: 'nvmlDeviceGetGpuInstanceId' | 'nvmlDeviceGetComputeInstanceId',
  handle: bigint,
): number | undefined {
  const memory = Buffer.alloc(4);
  return device.nvml.bind(name)(handle, memory) === SUCCESS ? memory.readUInt32LE(0) : undefined;
}

/** The name ends in it; else it is made of the instance's slices and memory. */
function profileOf(device: Device, handle: bigint): string {
  const name = Buffer.alloc(96);
  if (device.nvml.bind('nvmlDeviceGetName')(handle, name, name.length) === SUCCESS) {
    const [, profile] = /\bMIG (\S+)$/.exec(readText(name)) ?? [];
    if (profile !== undefined) return profile;
  }
  const memory = Buffer.alloc(deviceAttributes.size);
  if (device.nvml.bind('nvmlDeviceGetAttributes_v2')(handle, memory) !== SUCCESS) return '';
  const gpuSlices = memory.readUInt32LE(deviceAttributes.gpuSlices);
  const computeSlices = memory.readUInt32LE(deviceAttributes.computeSlices);
  const gigabytes = Math.round(Number(readCount(memory, deviceAttributes.memoryMiB)) / 1024);
  const whole = `${gpuSlices}g.${gigabytes}gb`;
  return computeSlices === gpuSlices ? whole : `${computeSlices}c.${whole}`;
}
