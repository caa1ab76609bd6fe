import { execFileSync } from 'node:child_process';
import { afterEach, describe, expect, it } from 'vitest';
import { nvmlFunctions } from '../../../agent/simulator/render/nvml-functions.ts';
import type { NvmlGpu } from '../../../agent/simulator/render/nvml-layout.ts';
import type { NvmlStateOptions } from '../../../agent/simulator/render/nvml-state.ts';
import { leftOut } from '../../left-out.ts';
import { NvmlClient } from './client.ts';
import {
  healthyH100,
  healthyV100,
  machineOf,
  migA100,
  NvmlDouble,
  v100EraDriver,
  v100EraSymbolsLeftOut,
  whyNoNvmlDouble,
} from './double.ts';

const missing = whyNoNvmlDouble();
if (missing !== undefined) leftOut('NVML double: the library', missing);

const OK = 0;
const INVALID_ARGUMENT = 2;
const NOT_SUPPORTED = 3;
const NOT_FOUND = 6;
const INSUFFICIENT_SIZE = 7;
const VERSION_MISMATCH = 25;
const SECOND = 1_000_000_000n;
const MIB = 1_048_576n;

const doubles: NvmlDouble[] = [];
afterEach(() => {
  for (const double of doubles.splice(0)) double.remove();
});

interface Loaded {
  readonly double: NvmlDouble;
  readonly nvml: NvmlClient;
}

function load(gpus: readonly NvmlGpu[], options: ConstructorParameters<typeof NvmlDouble>[1] = {}): Loaded {
  const double = new NvmlDouble(gpus, options);
  doubles.push(double);
  return { double, nvml: new NvmlClient(double.library) };
}

/** Time stands still at monotonic 1,000 s and wall 2,000,000 s until `pass`. */
function loadFrozen(
  gpus: readonly NvmlGpu[],
  options: NvmlStateOptions = {},
): Loaded & { readonly pass: (seconds: number) => void } {
  let nowNs = 1000n * SECOND;
  const loaded = load(gpus, { ...options, frozen: true, nowNs: () => nowNs, wallMs: () => 2_000_000_000 });
  return {
    ...loaded,
    pass: (seconds) => {
      nowNs += BigInt(seconds * 1000) * 1_000_000n;
      loaded.double.state.tick();
    },
  };
}

describe.skipIf(missing !== undefined)('the NVML double', () => {
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

  it('integrates counters over its clock', () => {
    const { nvml, double, pass } = loadFrozen([
      healthyH100(0, {
        energyMj: { from: 1000, perSecond: 600_000 },
        pcieRxBytes: { from: 50, perSecond: 1e9 },
        policies: [{ from: 5, perSecond: 250_000_000 }],
      }),
    ]);
    const gpu = nvml.open(0);
    expect(nvml.u64('nvmlDeviceGetTotalEnergyConsumption', gpu)).toBe(1000n);
    pass(2.5);
    expect(nvml.u64('nvmlDeviceGetTotalEnergyConsumption', gpu)).toBe(1_501_000n);
    expect(nvml.fields(gpu, [{ field: 198 }, { field: 74 }, { field: 75 }])).toEqual([
      { code: OK, value: 2_500_000_050n },
      { code: OK, value: 625_000_005n },
      { code: NOT_SUPPORTED, value: 0n },
    ]);
    double.state.change(0, { energyMj: { from: 1000, perSecond: 0 } });
    pass(10);
    expect(nvml.u64('nvmlDeviceGetTotalEnergyConsumption', gpu)).toBe(1_501_000n);
  });

  it('gives NVLink data per link and together, and the speed of nvlink -s', () => {
    const links = [100, 200].map((kib) => ({
      active: 1,
      speedMbps: 25_781,
      txKib: { from: kib, perSecond: 10 },
      rxKib: { from: 7, perSecond: 0 },
    }));
    const { nvml, pass } = loadFrozen([healthyV100(0, { linkCount: 2, links })]);
    const gpu = nvml.open(0);
    pass(1);
    const wanted = [
      { field: 138, scope: 1 },
      { field: 138, scope: 0xffff_ffff },
      { field: 139, scope: 0 },
      { field: 164, scope: 0 },
      { field: 91 },
    ];
    expect(nvml.fields(gpu, wanted).map(({ value }) => value)).toEqual([210n, 320n, 7n, 25_781n, 2n]);
    expect(
      nvml.fields(gpu, [{ field: 138, scope: 2 }, { field: 202, scope: 0 }, { field: 9999 }]).map(({ code }) => code),
    ).toEqual([3, 3, 3]);
  });

  it('knows no fields that are newer than its driver', () => {
    const { nvml } = load([healthyV100(0)], { driver: v100EraDriver });
    const gpu = nvml.open(0);
    expect(nvml.fields(gpu, [{ field: 82 }, { field: 138 }])).toEqual([
      { code: OK, value: 61n },
      { code: NOT_SUPPORTED, value: 0n },
    ]);
    const version = Buffer.alloc(80);
    nvml.call('nvmlSystemGetDriverVersion', version, 80);
    expect(version.toString('latin1', 0, 10)).toBe('418.87.01\0');
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

  it('keeps samples of the load, each seen once', () => {
    const { nvml, double, pass } = loadFrozen([healthyV100(0, { levels: { gpuPercent: 10 } })], {
      driver: { samplePeriodUs: 250_000 },
    });
    const gpu = nvml.open(0);
    pass(0.5);
    double.state.change(0, { levels: { gpuPercent: 80 } });
    pass(0.5);
    const begin = 2_000_000_000_000n;
    expect(samplesSince(nvml, gpu, begin)).toEqual([
      [begin + 250_000n, 10],
      [begin + 500_000n, 80],
      [begin + 750_000n, 80],
      [begin + 1_000_000n, 80],
    ]);
    expect(samplesSince(nvml, gpu, begin + 1_000_000n)).toBe(NOT_FOUND);
    expect(samplesSince(nvml, gpu, 0n)).toHaveLength(120);
  });

  it('measures GPM between two samples', () => {
    const gpm = [undefined, { from: 0, perSecond: 90 }, { from: 0, perSecond: 40 }];
    const { nvml, double, pass } = loadFrozen([
      healthyH100(0, { gpm, pcieTxBytes: { from: 0, perSecond: 3 * 1_048_576 } }),
    ]);
    const gpu = nvml.open(0);
    const before = nvml.handle('nvmlGpmSampleAlloc');
    const after = nvml.handle('nvmlGpmSampleAlloc');
    nvml.call('nvmlGpmSampleGet', gpu, before);
    pass(1);
    double.state.change(0, { gpm: [undefined, { from: 0, perSecond: 30 }, { from: 0, perSecond: 40 }] });
    pass(1);
    nvml.call('nvmlGpmSampleGet', gpu, after);
    expect(gpmMetrics(nvml, { before, after }, [1, 2, 3, 20])).toEqual([
      { code: OK, value: 60 },
      { code: OK, value: 40 },
      { code: NOT_SUPPORTED, value: 0 },
      { code: OK, value: 3 },
    ]);
    expect(nvml.call('nvmlGpmSampleFree', before)).toBe(OK);
    expect(nvml.call('nvmlGpmSampleFree', after)).toBe(OK);
  });

  it('has no GPM before Hopper', () => {
    const { nvml } = load([healthyV100(0)]);
    const support = Buffer.alloc(8);
    support.writeUInt32LE(1);
    expect(nvml.call('nvmlGpmQueryDeviceSupport', nvml.open(0), support)).toBe(OK);
    expect(support.readUInt32LE(4)).toBe(0);
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

  it('samples processes that work once a second', () => {
    const { nvml, pass } = loadFrozen([healthyV100(0)]);
    const gpu = nvml.open(0);
    const count = Buffer.alloc(4);
    const sample = Buffer.alloc(32);
    count.writeUInt32LE(1);
    const second = 2_000_000_000_000n;
    expect(nvml.call('nvmlDeviceGetProcessUtilization', gpu, sample, count, second)).toBe(NOT_FOUND);
    pass(1);
    expect(nvml.call('nvmlDeviceGetProcessUtilization', gpu, sample, count, second)).toBe(OK);
    expect([sample.readUInt32LE(0), sample.readBigUInt64LE(8), sample.readUInt32LE(16)]).toEqual([
      4100,
      second + 1_000_000n,
      96,
    ]);
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

/** Time and value of each sample of GPU utilisation, or the return code. */
function samplesSince(
  nvml: NvmlClient,
  gpu: bigint,
  lastSeen: bigint,
): number | readonly (readonly [bigint, number])[] {
  const type = Buffer.alloc(4);
  const count = Buffer.alloc(4);
  nvml.call('nvmlDeviceGetSamples', gpu, 1, lastSeen, type, count, null);
  const samples = Buffer.alloc(16 * count.readUInt32LE());
  const code = nvml.call('nvmlDeviceGetSamples', gpu, 1, lastSeen, type, count, samples);
  if (code !== OK) return code;
  return Array.from({ length: count.readUInt32LE() }, (_, at) => [
    samples.readBigUInt64LE(16 * at),
    samples.readUInt32LE(16 * at + 8),
  ]);
}

function gpmMetrics(
  nvml: NvmlClient,
  { before, after }: { readonly before: bigint; readonly after: bigint },
  ids: readonly number[],
): readonly { readonly code: number; readonly value: number }[] {
  const memory = Buffer.alloc(24 + 40 * ids.length);
  memory.writeUInt32LE(1, 0);
  memory.writeUInt32LE(ids.length, 4);
  memory.writeBigUInt64LE(before, 8);
  memory.writeBigUInt64LE(after, 16);
  for (const [at, id] of ids.entries()) memory.writeUInt32LE(id, 24 + 40 * at);
  expect(nvml.call('nvmlGpmMetricsGet', memory)).toBe(OK);
  return ids.map((_, at) => ({ code: memory.readUInt32LE(28 + 40 * at), value: memory.readDoubleLE(32 + 40 * at) }));
}
