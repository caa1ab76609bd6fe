// The state file that our stand-in for libnvidia-ml reads: every offset, written once. The C header is generated from here.
import { array, counter, i32, struct, text, u32, u64, type StructValues } from './binary-layout.ts';
import { nvmlFunctions } from './nvml-functions.ts';

export const nvmlLimits = {
  gpus: 16,
  links: 18,
  instances: 7,
  processes: 8,
  /** Changes of load that the driver's sample buffer remembers. */
  levels: 16,
  events: 64,
  /** GPM's own numbers of metrics, 1 to 13. */
  gpm: 14,
} as const;

export const NVML_MAGIC = 0x4c4d564e;
export const NVML_LAYOUT_VERSION = 1;

export const nvmlHeader = struct('nvml_header', {
  magic: u32,
  version: u32,
  /** Odd while the writer is at work. */
  sequence: u32,
  gpuCount: u32,
  /** What nvmlInit answers; 9 is a driver that is not loaded. */
  initReturn: u32,
  /** Field values with a greater number are unknown to this driver. */
  newestField: u32,
  cudaVersion: u32,
  samplePeriodUs: u32,
  /** The driver measures PCIe throughput this long. */
  pcieWaitMs: u32,
  eventCount: u32,
  driver: text(80),
  nvmlVersion: text(80),
  /** The wall clock at that monotonic time. */
  wallUs: u64,
  monotonicNs: u64,
  /** Not 0: time stands still here. */
  frozenNs: u64,
});

/** Load since a moment. */
const levels = struct('nvml_levels', {
  sinceNs: u64,
  gpuPercent: u32,
  memoryPercent: u32,
  encoderPercent: u32,
  decoderPercent: u32,
  jpegPercent: u32,
  ofaPercent: u32,
  /** As nvmlDeviceGetPowerUsage gives it. */
  powerMw: u32,
});

const link = struct('nvml_link', {
  active: u32,
  /** As `nvidia-smi nvlink -s` prints it, in MB/s. */
  speedMbps: u32,
  remoteBusId: text(32),
  txKib: counter,
  rxKib: counter,
  /** Replay, recovery, CRC of flits, CRC of data, ECC: as nvmlNvLinkErrorCounter_t counts on. */
  errors: array(u64, 5),
  /** Fields 206 to 215, of NVLink 5. */
  packetErrors: array(u64, 10),
});

const instance = struct('nvml_instance', {
  gi: u32,
  ci: u32,
  /** `1g.5gb` */
  profile: text(32),
  uuid: text(80),
  memoryTotal: u64,
  memoryUsed: u64,
  multiprocessors: u32,
  giSlices: u32,
  ciSlices: u32,
  /** Percent, at GPM's number of the metric. */
  gpm: array(counter, nvmlLimits.gpm),
});

const processUse = struct('nvml_process', {
  pid: u32,
  /** 0 compute, 1 graphics, 2 MPS. */
  kind: u32,
  memory: u64,
  smPercent: u32,
  memoryPercent: u32,
  encoderPercent: u32,
  decoderPercent: u32,
  gi: u32,
  ci: u32,
});

export const nvmlGpu = struct('nvml_gpu', {
  uuid: text(80),
  name: text(96),
  serial: text(32),
  vbios: text(32),
  /** `00000000:34:00.0` */
  busId: text(32),
  pciDeviceId: u32,
  pciSubsystemId: u32,
  minor: u32,
  architecture: u32,
  brand: u32,
  computeMajor: u32,
  computeMinor: u32,
  /** What every call answers: 15 lost, 16 needs a reset. Absent: the GPU works. */
  loss: u32,
  history: array(levels, nvmlLimits.levels),
  /** Counters stand at their first number then. */
  countersNs: u64,
  memoryTotal: u64,
  memoryUsed: u64,
  memoryReserved: u64,
  bar1Total: u64,
  bar1Used: u64,
  powerAverageMw: u32,
  powerInstantMw: u32,
  powerLimitMw: u32,
  powerDefaultMw: u32,
  powerMinMw: u32,
  powerMaxMw: u32,
  powerEnforcedMw: u32,
  temperature: u32,
  memoryTemperature: u32,
  /** By nvmlTemperatureThresholds_t: shutdown, slowdown, memory, GPU. */
  thresholds: array(u32, 8),
  /** Degrees that are left until the GPU slows down. */
  margin: i32,
  /** Fields 193 to 196: shutdown, slowdown, memory, GPU as margins. */
  marginThresholds: array(i32, 4),
  /** MHz: graphics, SM, memory, video. */
  clocks: array(u32, 4),
  maxClocks: array(u32, 4),
  fanPercent: u32,
  throttleMask: u64,
  /** Nanoseconds, fields 74 to 81: power, thermal, sync boost, board limit, low utilisation, reliability, app, base. */
  policies: array(counter, 8),
  /** Nanoseconds, fields 269 to 271: software thermal, hardware thermal, power brake. */
  slowdowns: array(counter, 3),
  energyMj: counter,
  pcieGeneration: u32,
  pcieWidth: u32,
  pcieMaxGeneration: u32,
  pcieMaxWidth: u32,
  pcieReplays: u32,
  /** Whether fields 197 and 198 count. */
  pcieCounts: u32,
  pcieTxBytes: counter,
  pcieRxBytes: counter,
  /** Fields 173 to 182. */
  pcieErrors: array(u64, 10),
  eccMode: u32,
  /** Nine places each: L1, L2, DRAM, registers, texture memory, texture buffer, CBU, SRAM, total. */
  eccVolatileCorrected: array(u64, 9),
  eccVolatileUncorrected: array(u64, 9),
  eccAggregateCorrected: array(u64, 9),
  eccAggregateUncorrected: array(u64, 9),
  /** Of the SRAM's uncorrected errors those found by parity: volatile, aggregate. Absent before Ampere. */
  sramParity: array(u64, 2),
  /** Absent where rows are remapped instead. */
  retiredSingleBit: u32,
  retiredDoubleBit: u32,
  retiredPending: u32,
  remappedCorrected: u32,
  remappedUncorrected: u32,
  remappedPending: u32,
  remappedFailed: u32,
  /** Banks by rows to spare: max, high, partial, low, none. */
  remapperBanks: array(u32, 5),
  persistenceMode: u32,
  computeMode: u32,
  performanceState: u32,
  migMode: u32,
  recoveryAction: u32,
  fabricState: u32,
  /** An nvmlReturn_t. */
  fabricStatus: u32,
  fabricHealthMask: u32,
  fabricHealthSummary: u32,
  fabricClique: u32,
  fabricCluster: text(16),
  /** Percent, at GPM's number of the metric; absent before Hopper. */
  gpm: array(counter, nvmlLimits.gpm),
  linkCount: u32,
  linkVersion: u32,
  /** Which fields count data: 1 is 138 and 139, 2 is NVLink 5's 202 and 204. Absent: none. */
  linkFields: u32,
  links: array(link, nvmlLimits.links),
  instances: array(instance, nvmlLimits.instances),
  processes: array(processUse, nvmlLimits.processes),
  /** By nvmlGpuTopologyLevel_t, to each GPU. */
  topology: array(u32, nvmlLimits.gpus),
});

export const nvmlEvent = struct('nvml_event', { uuid: text(80), type: u64, data: u64, sequence: u64 });

/** Element 0 is for every call, the others for each GPU. */
export const nvmlFault = struct('nvml_fault', {
  returns: array(u32, nvmlLimits.gpus + 1),
  /** -1 is for ever. */
  delaysMs: array(i32, nvmlLimits.gpus + 1),
  /** 1 aborts, 2 touches memory that is not there. */
  crashes: array(u32, nvmlLimits.gpus + 1),
});

export const nvmlStateLayout = struct('nvml_state', {
  header: nvmlHeader,
  gpus: array(nvmlGpu, nvmlLimits.gpus),
  events: array(nvmlEvent, nvmlLimits.events),
  faults: array(nvmlFault, nvmlFunctions.length),
  /** The library's own: how often each function was called. */
  calls: array(u64, nvmlFunctions.length),
});

type Managed = 'history' | 'countersNs';
export type NvmlLevels = Omit<StructValues<(typeof levels)['fields']>, 'sinceNs'>;
/** What a GPU is made to show. What is left out is not supported there. */
export type NvmlGpu = Omit<StructValues<(typeof nvmlGpu)['fields']>, Managed | 'uuid' | 'name' | 'busId'> & {
  readonly uuid: string;
  readonly name: string;
  readonly busId: string;
  readonly levels?: NvmlLevels;
};
