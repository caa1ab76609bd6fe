import { execFileSync } from 'node:child_process';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { nvmlFunctions } from '../../../agent/simulator/render/nvml-functions.ts';
import { leftOut } from '../../left-out.ts';
import {
  healthyH100,
  healthyV100,
  machineOf,
  migA100,
  v100EraSymbolsLeftOut,
  prepareNvml,
  whyNoNvmlDouble,
} from './double.ts';
import { load, removeDoubles } from './loading.ts';

const missing = whyNoNvmlDouble();
if (missing !== undefined) leftOut('NVML double: readings', missing);

const OK = 0;
const INVALID_ARGUMENT = 2;
const NOT_SUPPORTED = 3;
const NOT_FOUND = 6;
const INSUFFICIENT_SIZE = 7;
const VERSION_MISMATCH = 25;
const MIB = 1_048_576n;

afterEach(removeDoubles);

describe.skipIf(missing !== undefined)('readings of the NVML double', () => {
  beforeAll(() => {
    prepareNvml();
    prepareNvml({ leaveOut: v100EraSymbolsLeftOut });
  });

  it('exports what it declares, and what an old driver has not is not there', () => {
    const { double } = load([healthyV100(0)]);
    const old = load([healthyV100(0)], { leaveOut: v100EraSymbolsLeftOut });
    expect(exportsOf(double.library)).toEqual(nvmlFunctions.toSorted());
    expect(exportsOf(old.double.library)).toEqual(
      nvmlFunctions.filter((name) => !v100EraSymbolsLeftOut.includes(name)).toSorted(),
    );
    expect(old.nvml.has('nvmlDeviceGetRemappedRows')).toBe(false);
    expect(old.nvml.has('nvmlDeviceGetFieldValues')).toBe(true);
  });

  it('says nothing before it is initialised', () => {
    const { nvml } = load([healthyV100(0)]);
    const count = Buffer.alloc(4);
    expect(nvml.call('nvmlDeviceGetCount_v2', count)).toBe(1);
    expect(nvml.call('nvmlInit_v2')).toBe(OK);
    expect(nvml.call('nvmlDeviceGetCount_v2', count)).toBe(OK);
    expect(nvml.call('nvmlShutdown')).toBe(OK);
    expect(nvml.call('nvmlDeviceGetCount_v2', count)).toBe(1);
  });

  it('shows sixteen V100 of an HGX-2 with names, places and levels', () => {
    const { nvml } = load(machineOf(healthyV100, 16));
    const gpu = nvml.open(15);
    expect(nvml.u32('nvmlDeviceGetCount_v2')).toBe(16);
    expect(nvml.text('nvmlDeviceGetName', gpu)).toBe('Tesla V100-SXM3-32GB');
    expect(nvml.text('nvmlDeviceGetUUID', gpu)).toBe('GPU-10000000-0000-4000-8000-00000000000f');
    expect(nvml.u32('nvmlDeviceGetIndex', gpu)).toBe(15);
    expect(nvml.u32('nvmlDeviceGetArchitecture', gpu)).toBe(5);
    expect(nvml.u32('nvmlDeviceGetPowerUsage', gpu)).toBe(312_500);
    expect(nvml.u32('nvmlDeviceGetEnforcedPowerLimit', gpu)).toBe(350_000);
    expect(nvml.u32('nvmlDeviceGetTemperature', gpu, 0)).toBe(57);
    expect(nvml.u32('nvmlDeviceGetClockInfo', gpu, 2)).toBe(958);
    expect(nvml.u64('nvmlDeviceGetUtilizationRates', gpu)).toBe((52n << 32n) | 97n);
    expect(nvml.u32('nvmlDeviceGetTopologyCommonAncestor', gpu, nvml.handle('nvmlDeviceGetHandleByIndex_v2', 0))).toBe(
      30,
    );
    expect(nvml.call('nvmlDeviceGetFanSpeed', gpu, Buffer.alloc(4))).toBe(NOT_SUPPORTED);
    expect(nvml.call('nvmlDeviceGetHandleByIndex_v2', 16, Buffer.alloc(8))).toBe(INVALID_ARGUMENT);
  });

  it('writes PCI addresses in both widths', () => {
    const { nvml } = load([healthyV100(0, { busId: '00000001:3B:00.0' })]);
    const gpu = nvml.open(0);
    const pci = Buffer.alloc(68);
    expect(nvml.call('nvmlDeviceGetPciInfo_v3', gpu, pci)).toBe(OK);
    expect(pci.toString('latin1', 0, 13)).toBe('0001:3B:00.0\0');
    expect([pci.readUInt32LE(16), pci.readUInt32LE(20), pci.readUInt32LE(24)]).toEqual([1, 0x3b, 0]);
    expect(pci.toString('latin1', 36, 53)).toBe('00000001:3B:00.0\0');
  });

  it('counts reserved memory as used in the first version only', () => {
    const { nvml } = load([healthyH100(0)]);
    const gpu = nvml.open(0);
    const first = Buffer.alloc(24);
    const second = Buffer.alloc(40);
    expect(nvml.call('nvmlDeviceGetMemoryInfo', gpu, first)).toBe(OK);
    expect([0, 8, 16].map((at) => first.readBigUInt64LE(at) / MIB)).toEqual([81_559n, 11_008n, 70_551n]);
    expect(nvml.call('nvmlDeviceGetMemoryInfo_v2', gpu, second)).toBe(VERSION_MISMATCH);
    second.writeUInt32LE(40 | (2 << 24));
    expect(nvml.call('nvmlDeviceGetMemoryInfo_v2', gpu, second)).toBe(OK);
    expect([8, 16, 24, 32].map((at) => second.readBigUInt64LE(at) / MIB)).toEqual([81_559n, 551n, 11_008n, 70_000n]);
  });

  it('tells ECC errors by place and kind', () => {
    const { nvml } = load([
      healthyV100(0, { eccAggregateUncorrected: [1, 2, 3, 4, undefined, undefined, 6, undefined, 16] }),
    ]);
    const gpu = nvml.open(0);
    const count = (place: number): bigint => nvml.u64('nvmlDeviceGetMemoryErrorCounter', gpu, 1, 1, place);
    expect([0, 1, 2, 3, 6].map(count)).toEqual([1n, 2n, 3n, 4n, 6n]);
    expect(nvml.call('nvmlDeviceGetMemoryErrorCounter', gpu, 1, 1, 7, Buffer.alloc(8))).toBe(NOT_SUPPORTED);
    expect(nvml.u64('nvmlDeviceGetTotalEccErrors', gpu, 1, 1)).toBe(16n);
    // Aggregate double-bit: total, L1, L2, device memory, registers, CBU.
    const fields = [6, 19, 21, 23, 25, 28].map((field) => ({ field }));
    expect(nvml.fields(gpu, fields).map(({ value }) => value)).toEqual([16n, 1n, 2n, 3n, 4n, 6n]);
  });

  it('counts retired pages with and without room for their addresses', () => {
    const { nvml } = load([healthyV100(0, { retiredDoubleBit: 2 })]);
    const gpu = nvml.open(0);
    const count = Buffer.alloc(4);
    expect(nvml.call('nvmlDeviceGetRetiredPages', gpu, 1, count, null)).toBe(INSUFFICIENT_SIZE);
    expect(count.readUInt32LE()).toBe(2);
    const addresses = Buffer.alloc(16);
    expect(nvml.call('nvmlDeviceGetRetiredPages', gpu, 1, count, addresses)).toBe(OK);
    expect(addresses.readBigUInt64LE(8)).toBe(0x20000n);
    expect(nvml.call('nvmlDeviceGetRemappedRows', gpu, count, count, count, count)).toBe(NOT_SUPPORTED);
  });

  it('shows MIG instances, and no utilisation of the whole', () => {
    const { nvml } = load([migA100(0)]);
    const gpu = nvml.open(0);
    expect(nvml.call('nvmlDeviceGetUtilizationRates', gpu, Buffer.alloc(8))).toBe(NOT_SUPPORTED);
    expect(nvml.call('nvmlDeviceGetNvLinkState', gpu, 0, Buffer.alloc(4))).toBe(NOT_SUPPORTED);
    expect(nvml.u32('nvmlDeviceGetMaxMigDeviceCount', gpu)).toBe(7);
    const instance = nvml.handle('nvmlDeviceGetMigDeviceHandleByIndex', gpu, 1);
    expect(nvml.text('nvmlDeviceGetName', instance)).toBe('NVIDIA A100-SXM4-80GB MIG 2g.20gb');
    expect(nvml.u32('nvmlDeviceGetGpuInstanceId', instance)).toBe(3);
    expect(nvml.u32('nvmlDeviceGetComputeInstanceId', instance)).toBe(0);
    expect(nvml.handle('nvmlDeviceGetDeviceHandleFromMigDeviceHandle', instance)).toBe(gpu);
    const memory = Buffer.alloc(24);
    expect(nvml.call('nvmlDeviceGetMemoryInfo', instance, memory)).toBe(OK);
    expect(memory.readBigUInt64LE(0)).toBe(19_840n * MIB);
    expect(nvml.call('nvmlDeviceGetPowerUsage', instance, Buffer.alloc(4))).toBe(NOT_SUPPORTED);
    expect(nvml.call('nvmlDeviceGetGpuInstanceId', gpu, Buffer.alloc(4))).toBe(INVALID_ARGUMENT);
    expect(nvml.call('nvmlDeviceGetMigDeviceHandleByIndex', gpu, 4, Buffer.alloc(8))).toBe(NOT_FOUND);
  });

  it('lists processes, and says how much room it needs', () => {
    const { nvml } = load([healthyV100(0)]);
    const gpu = nvml.open(0);
    const count = Buffer.alloc(4);
    expect(nvml.call('nvmlDeviceGetComputeRunningProcesses_v3', gpu, count, null)).toBe(INSUFFICIENT_SIZE);
    expect(count.readUInt32LE()).toBe(1);
    const infos = Buffer.alloc(24);
    expect(nvml.call('nvmlDeviceGetComputeRunningProcesses_v3', gpu, count, infos)).toBe(OK);
    expect([infos.readUInt32LE(0), infos.readBigUInt64LE(8) / MIB, infos.readUInt32LE(16)]).toEqual([
      4100,
      30_700n,
      0xffff_ffff,
    ]);
    count.writeUInt32LE(0);
    expect(nvml.call('nvmlDeviceGetGraphicsRunningProcesses_v3', gpu, count, null)).toBe(OK);
  });

  it('tells the state of the fabric in both versions', () => {
    const { nvml } = load([healthyH100(0, { fabricHealthMask: 5 }), healthyV100(1)]);
    const gpu = nvml.open(0);
    const info = Buffer.alloc(40);
    expect(nvml.call('nvmlDeviceGetGpuFabricInfoV', gpu, info)).toBe(VERSION_MISMATCH);
    info.writeUInt32LE(36 | (2 << 24));
    expect(nvml.call('nvmlDeviceGetGpuFabricInfoV', gpu, info)).toBe(OK);
    expect([info.readUInt8(28), info.readUInt32LE(32), info.readUInt8(36)]).toEqual([3, 5, 0]);
    info.writeUInt32LE(40 | (3 << 24));
    expect(nvml.call('nvmlDeviceGetGpuFabricInfoV', gpu, info)).toBe(OK);
    expect(info.readUInt8(36)).toBe(1);
    expect(nvml.call('nvmlDeviceGetGpuFabricInfoV', nvml.handle('nvmlDeviceGetHandleByIndex_v2', 1), info)).toBe(
      NOT_SUPPORTED,
    );
  });
});

function exportsOf(library: string): readonly string[] {
  const lines = execFileSync('nm', ['-D', '--defined-only', library], { encoding: 'utf8' }).trim().split('\n');
  return lines.map((line) => line.split(' ').at(-1) ?? '').toSorted();
}
