// GPUs as healthy machines show them: V100 of an HGX-2, H100 of an HGX H100, GB200, A100 in MIG mode. Figures: NVIDIA's data sheets and
// the recordings named in the corpus of nvidia-smi outputs.
import type { NvmlGpu } from '../../../agent/simulator/render/nvml-layout.ts';
import { counts, dramAndSram, gpmOf, hex, identity, nvlinks, pcie, powerLimits } from './machine-parts.ts';

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
const HGX2_BUSES = [0x34, 0x36, 0x39, 0x3b, 0x57, 0x59, 0x5c, 0x5e, 0xb7, 0xb9, 0xbc, 0xbe, 0xe0, 0xe2, 0xe5, 0xe7];

/** Tesla V100-SXM3-32GB, busy: 6 NVLinks of 25.781 GB/s, retired pages, no remapped rows, no fabric, no GPM. */
export function healthyV100(index: number, overrides: Partial<NvmlGpu> = {}): NvmlGpu {
  const none = Array.from({ length: 9 }, (_, place) => (place === 5 || place === 7 ? undefined : 0));
  return {
    ...identity(index, { generation: 1, bus: HGX2_BUSES[index] ?? 0x10 + index }),
    name: 'Tesla V100-SXM3-32GB',
    vbios: '88.00.6F.00.01',
    pciDeviceId: 0x1db8_10de,
    pciSubsystemId: 0x131d_10de,
    architecture: 5,
    brand: 2,
    computeMajor: 7,
    computeMinor: 0,
    levels: { gpuPercent: 97, memoryPercent: 52, encoderPercent: 0, decoderPercent: 0, powerMw: 312_500 },
    memoryTotal: 32_480 * MIB,
    memoryUsed: 30_720 * MIB,
    memoryReserved: 0,
    bar1Total: 32 * GIB,
    bar1Used: 9 * MIB,
    ...powerLimits({ limit: 350_000, least: 100_000 }),
    temperature: 57,
    memoryTemperature: 61,
    thresholds: [90, 87, 85, 83],
    clocks: [1597, 1597, 958, 1432],
    maxClocks: [1597, 1597, 958, 1432],
    throttleMask: 0,
    policies: Array.from({ length: 8 }, () => counts(0, 0)),
    energyMj: counts(8_000_000_000, 312_500),
    ...pcie(3),
    eccMode: 1,
    eccVolatileCorrected: none,
    eccVolatileUncorrected: none,
    eccAggregateCorrected: none,
    eccAggregateUncorrected: none,
    retiredSingleBit: 0,
    retiredDoubleBit: 0,
    retiredPending: 0,
    ...nvlinks({ count: 6, version: 2, speedMbps: 25_781 }),
    processes: [{ pid: 4100 + index, kind: 0, memory: 30_700 * MIB, smPercent: 96, memoryPercent: 50 }],
    ...overrides,
  };
}

/** NVIDIA H100 80GB HBM3, busy: 18 NVLinks of 26.562 GB/s, GPM, fabric, remapped rows, thresholds as margins. */
export function healthyH100(index: number, overrides: Partial<NvmlGpu> = {}): NvmlGpu {
  return {
    ...identity(index, { generation: 2, bus: 0x18 + 0x0d * index }),
    ...dramAndSram,
    name: 'NVIDIA H100 80GB HBM3',
    vbios: '96.00.74.00.01',
    pciDeviceId: 0x2330_10de,
    pciSubsystemId: 0x16c1_10de,
    architecture: 9,
    brand: 14,
    computeMajor: 9,
    computeMinor: 0,
    levels: {
      gpuPercent: 98,
      memoryPercent: 41,
      encoderPercent: 0,
      decoderPercent: 0,
      jpegPercent: 0,
      ofaPercent: 0,
      powerMw: 631_950,
    },
    memoryTotal: 81_559 * MIB,
    memoryUsed: 70_000 * MIB,
    memoryReserved: 551 * MIB,
    bar1Total: 128 * GIB,
    bar1Used: 2 * MIB,
    powerAverageMw: 631_950,
    powerInstantMw: 625_680,
    ...powerLimits({ limit: 700_000, least: 200_000 }),
    temperature: 59,
    memoryTemperature: 54,
    margin: 28,
    marginThresholds: [-8, -2, 0, 0],
    clocks: [1980, 1980, 2619, 1545],
    maxClocks: [1980, 1980, 2619, 1545],
    throttleMask: 0,
    policies: Array.from({ length: 8 }, () => counts(0, 0)),
    slowdowns: [counts(0, 0), counts(0, 0), counts(0, 0)],
    energyMj: counts(20_000_000_000, 631_950),
    ...pcie(5),
    pcieCounts: 1,
    pcieErrors: Array.from({ length: 10 }, () => 0),
    remapperBanks: [2560, 0, 0, 0, 0],
    migMode: 0,
    recoveryAction: 0,
    fabricState: 3,
    fabricStatus: 0,
    fabricHealthMask: 0,
    fabricHealthSummary: 1,
    fabricClique: 0,
    gpm: gpmOf([97, 91, 62, 12, 55, 0, 55, 0, 0, 44, 0, 8, 21]),
    ...nvlinks({ count: 18, version: 4, speedMbps: 26_562 }),
    processes: [{ pid: 5200 + index, kind: 0, memory: 69_400 * MIB, smPercent: 97, memoryPercent: 40 }],
    ...overrides,
  };
}

/** NVIDIA GB200, busy: 18 NVLinks 5, which count bytes and packet errors instead of KiB and replays. */
export function healthyGB200(index: number, overrides: Partial<NvmlGpu> = {}): NvmlGpu {
  const { links, ...nvlink } = nvlinks({ count: 18, version: 5, speedMbps: 50_000 });
  return healthyH100(index, {
    ...identity(index, { generation: 4, bus: 0x09 + index }),
    name: 'NVIDIA GB200',
    vbios: '97.00.B9.00.76',
    pciDeviceId: 0x2941_10de,
    pciSubsystemId: 0x2046_10de,
    architecture: 10,
    computeMajor: 10,
    memoryTotal: 189_471 * MIB,
    memoryUsed: 150_000 * MIB,
    levels: {
      gpuPercent: 99,
      memoryPercent: 38,
      encoderPercent: 0,
      decoderPercent: 0,
      jpegPercent: 0,
      ofaPercent: 0,
      powerMw: 1_050_000,
    },
    powerAverageMw: 1_050_000,
    powerInstantMw: 1_062_000,
    ...powerLimits({ limit: 1_200_000, least: 200_000 }),
    energyMj: counts(30_000_000_000, 1_050_000),
    fabricCluster: 'rack-one',
    ...nvlink,
    linkFields: 2,
    links: links.map(({ errors: _, ...link }) => ({ ...link, packetErrors: Array.from({ length: 10 }, () => 0) })),
    ...overrides,
  });
}

/** NVIDIA A100-SXM4-80GB cut into 3g.40gb, 2g.20gb and two 1g.10gb: no utilisation of the whole, no NVLink queries. */
export function migA100(index: number, overrides: Partial<NvmlGpu> = {}): NvmlGpu {
  const profiles = [
    { gi: 2, gib: 40, slices: 3 },
    { gi: 3, gib: 20, slices: 2 },
    { gi: 9, gib: 10, slices: 1 },
    { gi: 10, gib: 10, slices: 1 },
  ];
  return {
    ...identity(index, { generation: 3, bus: 0x07 + 0x08 * index }),
    ...dramAndSram,
    name: 'NVIDIA A100-SXM4-80GB',
    vbios: '92.00.45.00.03',
    pciDeviceId: 0x20b2_10de,
    pciSubsystemId: 0x1463_10de,
    architecture: 7,
    brand: 14,
    computeMajor: 8,
    computeMinor: 0,
    levels: { powerMw: 298_000 },
    memoryTotal: 81_920 * MIB,
    memoryUsed: 21_000 * MIB,
    memoryReserved: 591 * MIB,
    bar1Total: 128 * GIB,
    bar1Used: MIB,
    powerInstantMw: 298_000,
    ...powerLimits({ limit: 400_000, least: 100_000 }),
    temperature: 48,
    memoryTemperature: 55,
    thresholds: [92, 89, 95, 85],
    clocks: [1410, 1410, 1593, 1275],
    maxClocks: [1410, 1410, 1593, 1290],
    throttleMask: 0,
    policies: Array.from({ length: 8 }, () => counts(0, 0)),
    energyMj: counts(3_000_000_000, 298_000),
    ...pcie(4),
    remapperBanks: [640, 0, 0, 0, 0],
    migMode: 1,
    recoveryAction: 0,
    instances: profiles.map(({ gi, gib, slices }, at) => ({
      gi,
      ci: 0,
      profile: `${slices}g.${gib}gb`,
      uuid: `MIG-a1000000-0000-5000-8000-00000000${hex(index, 2)}${hex(at, 2)}`,
      memoryTotal: (gib * GIB * 31) / 32,
      memoryUsed: gib * 200 * MIB,
      multiprocessors: slices * 14,
      giSlices: slices,
      ciSlices: slices,
    })),
    processes: [{ pid: 6300 + index, kind: 0, memory: 7800 * MIB, gi: 2, ci: 0 }],
    ...overrides,
  };
}

/** A whole machine: HGX-2 has 16 V100, the others 8. */
export function machineOf(one: (index: number) => NvmlGpu, count: number): readonly NvmlGpu[] {
  const topology = Array.from({ length: count }, () => 30);
  return Array.from({ length: count }, (_, index) => ({ ...one(index), topology: topology.with(index, 0) }));
}
