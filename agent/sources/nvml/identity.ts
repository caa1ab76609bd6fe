// Who a GPU is. Authority: nvml.h, nvmlPciInfo_t, nvmlDeviceArchitecture_t.
import { canonicalPciAddress } from '../../parse/pci.ts';
import type { GpuFacts, GpuIdentity } from '../../parse/gpu/sheet.ts';
import type { CallsLike } from './calls.ts';
import type { NvmlLibrary } from './library.ts';
import type { Device } from './question.ts';
import { SUCCESS } from './return-codes.ts';
import { pciInfo, readText } from './structs.ts';

const TEXT_BYTES = 96;

export interface DriverFacts {
  readonly driver: string;
  readonly cuda: string;
}

const architectures = new Map([
  [2, 'Kepler'],
  [3, 'Maxwell'],
  [4, 'Pascal'],
  [5, 'Volta'],
  [6, 'Turing'],
  [7, 'Ampere'],
  [8, 'Ada'],
  [9, 'Hopper'],
  [10, 'Blackwell'],
]);
/** By the major number of the compute capability, for drivers that do not name it. */
const capabilities = new Map([
  ['3', 'Kepler'],
  ['5', 'Maxwell'],
  ['6', 'Pascal'],
  ['7', 'Volta'],
  ['7.5', 'Turing'],
  ['8', 'Ampere'],
  ['8.9', 'Ada'],
  ['9', 'Hopper'],
  ['10', 'Blackwell'],
  ['12', 'Blackwell'],
]);

export function readDriverFacts(nvml: NvmlLibrary): DriverFacts {
  const text = Buffer.alloc(TEXT_BYTES);
  const driver = nvml.bind('nvmlSystemGetDriverVersion')(text, text.length) === SUCCESS ? readText(text) : '';
  const number = Buffer.alloc(4);
  const isKnown =
    nvml.bind('nvmlSystemGetCudaDriverVersion_v2')(number) === SUCCESS ||
    nvml.bind('nvmlSystemGetCudaDriverVersion')(number) === SUCCESS;
  const version = number.readInt32LE(0);
  return { driver, cuda: isKnown ? `${Math.trunc(version / 1000)}.${Math.trunc((version % 1000) / 10)}` : '' };
}

/** Of a GPU that gives no handle. */
export const unknownFacts = ({ driver, cuda }: DriverFacts): GpuFacts => ({
  name: '',
  driver,
  vbios: '',
  serial: '',
  cuda,
  arch: '',
});

export function readIdentity(device: Device, index: number): GpuIdentity {
  return { gpu: String(index), uuid: textOf(device, 'nvmlDeviceGetUUID'), pci_bus_id: busIdOf(device) };
}

export function readFacts(device: Device, driver: DriverFacts): GpuFacts {
  return {
    ...driver,
    name: textOf(device, 'nvmlDeviceGetName'),
    vbios: textOf(device, 'nvmlDeviceGetVbiosVersion'),
    serial: textOf(device, 'nvmlDeviceGetSerial'),
    arch: architectureOf(device),
  };
}

function textOf(device: Device, name: CallsLike<'nvmlDeviceGetUUID'>): string {
  const memory = Buffer.alloc(TEXT_BYTES);
  const get = device.nvml.bind(name);
  return device.try(() => get(device.handle, memory, memory.length)) ? readText(memory) : '';
}

function busIdOf(device: Device): string {
  const memory = Buffer.alloc(pciInfo.size);
  const getNewer = device.nvml.bind('nvmlDeviceGetPciInfo_v3');
  const getOlder = device.nvml.bind('nvmlDeviceGetPciInfo_v2');
  if (device.try(() => getNewer(device.handle, memory)))
    return canonicalPciAddress(readText(memory, pciInfo.busId, pciInfo.busId + pciInfo.busIdBytes)) ?? '';
  return device.try(() => getOlder(device.handle, memory)) ? (canonicalPciAddress(readText(memory, 0, 16)) ?? '') : '';
}

function architectureOf(device: Device): string {
  const major = Buffer.alloc(4);
  const minor = Buffer.alloc(4);
  const getArchitecture = device.nvml.bind('nvmlDeviceGetArchitecture');
  const getCapability = device.nvml.bind('nvmlDeviceGetCudaComputeCapability');
  const isNamed = device.try(() => getArchitecture(device.handle, major));
  const named = isNamed ? architectures.get(major.readUInt32LE(0)) : undefined;
  if (named !== undefined || !device.try(() => getCapability(device.handle, major, minor))) return named ?? '';
  const capability = `${major.readUInt32LE(0)}.${minor.readUInt32LE(0)}`;
  return capabilities.get(capability) ?? capabilities.get(String(major.readUInt32LE(0))) ?? '';
}
