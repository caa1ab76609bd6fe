import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { leftOut } from '../../left-out.ts';
import type { NvmlClient } from './client.ts';
import { healthyGB200, healthyH100, healthyV100, v100EraDriver, prepareNvml, whyNoNvmlDouble } from './double.ts';
import { FROZEN_WALL_US, load, loadFrozen, removeDoubles } from './loading.ts';

const missing = whyNoNvmlDouble();
if (missing !== undefined) leftOut('NVML double: counters and samples', missing);

const OK = 0;
const NOT_SUPPORTED = 3;
const NOT_FOUND = 6;

afterEach(removeDoubles);

describe.skipIf(missing !== undefined)('counters and samples of the NVML double', () => {
  beforeAll(() => {
    prepareNvml();
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

  it('keeps samples of the load, each seen once', () => {
    const { nvml, double, pass } = loadFrozen([healthyV100(0, { levels: { gpuPercent: 10 } })], {
      driver: { samplePeriodUs: 250_000 },
    });
    const gpu = nvml.open(0);
    pass(0.5);
    double.state.change(0, { levels: { gpuPercent: 80 } });
    pass(0.5);
    const begin = FROZEN_WALL_US;
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

  it('samples processes that work once a second', () => {
    const { nvml, pass } = loadFrozen([healthyV100(0)]);
    const gpu = nvml.open(0);
    const count = Buffer.alloc(4);
    const sample = Buffer.alloc(32);
    count.writeUInt32LE(1);
    const second = FROZEN_WALL_US;
    expect(nvml.call('nvmlDeviceGetProcessUtilization', gpu, sample, count, second)).toBe(NOT_FOUND);
    pass(1);
    expect(nvml.call('nvmlDeviceGetProcessUtilization', gpu, sample, count, second)).toBe(OK);
    expect([sample.readUInt32LE(0), sample.readBigUInt64LE(8), sample.readUInt32LE(16)]).toEqual([
      4100,
      second + 1_000_000n,
      96,
    ]);
  });

  it('counts data of NVLink 5 in bytes, and its own errors', () => {
    const [packets, none] = [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], undefined];
    const links = [
      {
        active: 1,
        speedMbps: 50_000,
        txKib: { from: 3, perSecond: 0 },
        rxKib: { from: 0, perSecond: 2 },
        packetErrors: packets,
      },
    ];
    const { nvml, pass } = loadFrozen([
      healthyGB200(0, { linkCount: 1, links }),
      healthyGB200(1, { linkFields: none }),
    ]);
    const gpu = nvml.open(0);
    pass(2);
    const fields = [202, 204, 206, 215].map((field) => ({ field, scope: 0 }));
    expect(nvml.fields(gpu, fields).map(({ value }) => value)).toEqual([3072n, 4096n, 1n, 10n]);
    const older = [138, 163, 38].map((field) => ({ field, scope: 0 }));
    expect(nvml.fields(gpu, older).map(({ code }) => code)).toEqual([NOT_SUPPORTED, NOT_SUPPORTED, NOT_SUPPORTED]);
    expect(nvml.fields(nvml.open(1), fields).map(({ code }) => code)).toEqual([3, 3, 3, 3]);
  });
});

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
