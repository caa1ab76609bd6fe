// The GPUs of a simulated node as our stand-in for libnvidia-ml shows them: the same situation that nvidia-smi tells of. nvml.h.
import type { Counter } from '../counter.ts';
import { eccTotal, type EccCounts, type LinkCounters } from '../gpu-counters.ts';
import { temperatureLimits, throttle, type GpuState } from '../gpu-model.ts';
import { isLinkUp, nvlinksOf, type NvLinkEnd } from '../nvlink.ts';
import { nvswitchBusesOf, pciDistance, type PciDistance } from '../pci-layout.ts';
import type { NodeState } from '../workload.ts';
import type { CounterValue } from './binary-layout.ts';
import type { Cell } from './nvidia-smi-columns.ts';
import { cellsOf } from './nvidia-smi.ts';
import type { NvmlGpu } from './nvml-layout.ts';
import { smiBusId } from './smi-text.ts';

const MIB = 1024 * 1024;
const KIB = 1024;
const NS_PER_S = 1e9;
const BAR1_MIB = 32_768;
const BAR1_USED_MIB = 9;
const GPU_IS_LOST = 15;
const VOLTA = 5;
const TESLA = 2;
const NVLINK_MBPS = 25_781;
const NVLINK_VERSION = 2;

/** nvmlGpuTopologyLevel_t */
const levels: Readonly<Record<PciDistance, number>> = { X: 0, PIX: 10, PXB: 20, PHB: 30, NODE: 40, SYS: 50 };

export function nvmlGpusOf(state: NodeState): readonly NvmlGpu[] {
  return cellsOf(state, new Date(0)).map((cell) => ({
    ...identityOf(cell),
    ...loadOf(cell),
    ...limitsOf(cell),
    ...pcieOf(cell),
    ...errorsOf(cell),
    ...linksOf(state, cell),
    topology: state.hardware.gpus.map(
      ({ bus }) => levels[pciDistance(state.hardware.platform, cell.hardware.bus, bus)],
    ),
  }));
}

function identityOf({ hardware, model, gpu }: Cell) {
  return {
    uuid: hardware.uuid,
    name: model.name,
    serial: hardware.serial,
    vbios: model.vbios,
    busId: smiBusId(hardware.bus),
    pciDeviceId: Number(model.deviceId),
    pciSubsystemId: Number(model.subDeviceId),
    minor: hardware.index,
    architecture: VOLTA,
    brand: TESLA,
    computeMajor: 7,
    computeMinor: 0,
    ...(gpu.lost ? { loss: GPU_IS_LOST } : {}),
  };
}

function loadOf({ gpu, model, counters }: Cell): Partial<NvmlGpu> {
  const percent = (share: number): number => Math.round(share * 100);
  return {
    levels: {
      gpuPercent: percent(gpu.busy),
      memoryPercent: percent(gpu.memoryActive),
      encoderPercent: 0,
      decoderPercent: 0,
      powerMw: Math.round(gpu.powerW * 1000),
    },
    memoryTotal: model.memoryMiB * MIB,
    memoryUsed: gpu.memoryUsedMiB * MIB,
    memoryReserved: 0,
    bar1Total: BAR1_MIB * MIB,
    bar1Used: BAR1_USED_MIB * MIB,
    temperature: Math.round(gpu.temperatureC),
    memoryTemperature: Math.round(gpu.memoryTemperatureC),
    clocks: clocksOf(cellClocks(gpu, model), model.memoryClockMHz),
    throttleMask: gpu.throttleMask,
    policies: [
      running(counters.throttledNs.swPowerCap, gpu.throttleMask & throttle.swPowerCap ? NS_PER_S : 0),
      running(counters.throttledNs.swThermal, gpu.throttleMask & throttle.swThermal ? NS_PER_S : 0),
      ...Array.from({ length: 6 }, () => still(0)),
    ],
    energyMj: running(counters.energyMillijoules, gpu.powerW * 1000),
    processes: processesOf(gpu),
  };
}

function cellClocks(gpu: GpuState, model: Cell['model']): { readonly sm: number; readonly video: number } {
  return { sm: gpu.clockMHz, video: Math.round((gpu.clockMHz / model.maxClockMHz) * model.videoClockMHz) };
}

/** Graphics, SM, memory, video. */
function clocksOf({ sm, video }: { readonly sm: number; readonly video: number }, memory: number): readonly number[] {
  return [sm, sm, memory, video];
}

function processesOf({ process, busy, memoryActive }: GpuState): NvmlGpu['processes'] {
  if (!process) return [];
  return [
    {
      pid: process.pid,
      kind: 0,
      memory: process.memoryMiB * MIB,
      smPercent: Math.round(busy * 100),
      memoryPercent: Math.round(memoryActive * 100),
      encoderPercent: 0,
      decoderPercent: 0,
    },
  ];
}

function limitsOf({ model }: Cell): Partial<NvmlGpu> {
  const limit = model.powerLimitW * 1000;
  const { shutdown, slowdown, maxOperating, memoryMax } = temperatureLimits;
  return {
    powerLimitMw: limit,
    powerDefaultMw: limit,
    powerMinMw: model.powerMinW * 1000,
    powerMaxMw: limit,
    powerEnforcedMw: limit,
    thresholds: [shutdown, slowdown, memoryMax, maxOperating],
    maxClocks: clocksOf({ sm: model.maxClockMHz, video: model.videoClockMHz }, model.memoryClockMHz),
    persistenceMode: 1,
    computeMode: 0,
    performanceState: 0,
  };
}

/** A driver of this age has no counters of PCIe, only short measurements. */
function pcieOf({ gpu, counters }: Cell): Partial<NvmlGpu> {
  return {
    pcieGeneration: 3,
    pcieMaxGeneration: 3,
    pcieWidth: 16,
    pcieMaxWidth: 16,
    pcieReplays: counters.pcieReplays,
    pcieCounts: 0,
    pcieTxBytes: running(counters.pcieTxBytes, gpu.pcie.txBytesPerS),
    pcieRxBytes: running(counters.pcieRxBytes, gpu.pcie.rxBytesPerS),
  };
}

function errorsOf({ counters }: Cell): Partial<NvmlGpu> {
  return {
    eccMode: 1,
    eccVolatileCorrected: eccPlaces(counters.corrected('volatile'), 'corrected'),
    eccVolatileUncorrected: eccPlaces(counters.uncorrected, 'uncorrected'),
    eccAggregateCorrected: eccPlaces(counters.corrected('aggregate'), 'corrected'),
    eccAggregateUncorrected: eccPlaces(counters.uncorrected, 'uncorrected'),
    retiredSingleBit: counters.retiredPages,
    retiredDoubleBit: 0,
    retiredPending: counters.retirementPending ? 1 : 0,
  };
}

/** L1, L2, device memory, registers, texture memory, texture buffer, CBU, SRAM, total. */
function eccPlaces(counts: EccCounts, kind: 'corrected' | 'uncorrected'): readonly (number | undefined)[] {
  const { l1_cache, l2_cache, device_memory, register_file, cbu } = counts;
  const ofCbu = kind === 'corrected' ? undefined : cbu;
  return [l1_cache, l2_cache, device_memory, register_file, undefined, undefined, ofCbu, undefined, eccTotal(counts)];
}

function linksOf({ hardware, gpus }: NodeState, { gpu, counters, hardware: own }: Cell): Partial<NvmlGpu> {
  const lost = gpus.map((one) => one.lost);
  const ends = nvlinksOf(hardware.platform.name)[own.index] ?? [];
  return {
    linkCount: ends.length,
    linkVersion: NVLINK_VERSION,
    linkFields: 1,
    links: ends.map((end, link) => ({
      ...(isLinkUp(end, lost, own.index) ? { active: 1, speedMbps: NVLINK_MBPS } : { active: 0 }),
      remoteBusId: remoteOf(hardware, end),
      ...linkCounts(counters.links[link], { tx: gpu.nvlink.tx[link] ?? 0, rx: gpu.nvlink.rx[link] ?? 0 }),
    })),
  };
}

function linkCounts(
  link: LinkCounters | undefined,
  rate: { readonly tx: number; readonly rx: number },
): Pick<NonNullable<NonNullable<NvmlGpu['links']>[number]>, 'txKib' | 'rxKib' | 'errors'> {
  if (!link) return {};
  return {
    txKib: { from: Number(link.txBytes.count / BigInt(KIB)), perSecond: rate.tx / KIB },
    rxKib: { from: Number(link.rxBytes.count / BigInt(KIB)), perSecond: rate.rx / KIB },
    errors: [link.replayErrors, link.recoveryErrors, link.crcErrors, 0, undefined],
  };
}

function remoteOf({ platform, gpus }: NodeState['hardware'], end: NvLinkEnd): string {
  const bus = end.kind === 'gpu' ? gpus[end.gpu]?.bus : nvswitchBusesOf(platform)[end.nvswitch];
  return bus === undefined ? '' : smiBusId(bus);
}

function running(counter: Counter, perSecond: number): CounterValue {
  return { from: Number(counter.count), perSecond };
}

function still(from: number): CounterValue {
  return { from, perSecond: 0 };
}
