// GPUs as healthy machines show them: V100 of an HGX-2, H100 of an HGX H100, A100 in MIG mode. Figures: NVIDIA's data sheets and
// the recordings named in the corpus of nvidia-smi outputs.
import type { CounterValue } from '../../../agent/simulator/render/binary-layout.ts';
import type { NvmlGpu } from '../../../agent/simulator/render/nvml-layout.ts';

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

/** A counter that stood at `from` when it was first written. */
export function counts(from: number, perSecond: number): CounterValue {
  return { from, perSecond };
}

function identity(index: number, { generation, bus }: { readonly generation: number; readonly bus: number }) {
  return {
    uuid: `GPU-${generation}0000000-0000-4000-8000-0000000000${hex(index, 2)}`,
    serial: `032${generation}0000000${String(index).padStart(2, '0')}`,
    busId: `00000000:${hex(bus, 2).toUpperCase()}:00.0`,
    minor: index,
    persistenceMode: 1,
    computeMode: 0,
    performanceState: 0,
  };
}

function powerLimits({ limit, least }: { readonly limit: number; readonly least: number }) {
  return {
    powerLimitMw: limit,
    powerDefaultMw: limit,
    powerEnforcedMw: limit,
    powerMinMw: least,
    powerMaxMw: limit,
  };
}

function pcie(generation: number) {
  return {
    pcieGeneration: generation,
    pcieWidth: 16,
    pcieMaxGeneration: generation,
    pcieMaxWidth: 16,
    pcieReplays: 0,
    pcieTxBytes: counts(1e12, 220e6),
    pcieRxBytes: counts(5e12, 1900e6),
  };
}

function nvlinks({
  count,
  version,
  speedMbps,
}: {
  readonly count: number;
  readonly version: number;
  readonly speedMbps: number;
}) {
  return {
    linkCount: count,
    linkVersion: version,
    linkFields: 1,
    links: Array.from({ length: count }, (_, at) => ({
      active: 1,
      speedMbps,
      remoteBusId: `00000000:${hex(0xc0 + (at % 6), 2).toUpperCase()}:00.0`,
      txKib: counts(5_000_000 + at, 3_000_000),
      rxKib: counts(4_000_000 + at, 2_900_000),
      errors: [0, 0, 0, 0, 0],
    })),
  };
}

/** Ampere and later: DRAM, SRAM and the total, rows remapped instead of pages retired. */
const dramAndSram = (() => {
  const none = Array.from({ length: 9 }, (_, place) => ([2, 7, 8].includes(place) ? 0 : undefined));
  return {
    eccMode: 1,
    eccVolatileCorrected: none,
    eccVolatileUncorrected: none,
    eccAggregateCorrected: none,
    eccAggregateUncorrected: none,
    sramParity: [0, 0],
    remappedCorrected: 0,
    remappedUncorrected: 0,
    remappedPending: 0,
    remappedFailed: 0,
  };
})();

/** In GPM's order from 1 on. */
function gpmOf(percents: readonly number[]): readonly (CounterValue | undefined)[] {
  return [undefined, ...percents.map((percent) => counts(0, percent))];
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}
