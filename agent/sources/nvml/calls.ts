// The functions of NVML that are called, with their arguments. Nothing here sets, resets or clears anything.
// Authority: nvml.h, https://docs.nvidia.com/deploy/nvml-api/

/** `handle` is a device, sample or event set; `out` is memory that the library fills. */
export type ArgumentKind = 'handle' | 'out' | 'uint' | 'ulong';

const value = ['handle', 'out'] as const;
const selected = ['handle', 'uint', 'out'] as const;
const withPeriod = ['handle', 'out', 'out'] as const;
const text = ['handle', 'out', 'uint'] as const;
const list = ['handle', 'out', 'out'] as const;

export const nvmlCalls = {
  nvmlInit_v2: [],
  nvmlShutdown: [],
  nvmlSystemGetDriverVersion: ['out', 'uint'],
  nvmlSystemGetCudaDriverVersion_v2: ['out'],
  nvmlSystemGetCudaDriverVersion: ['out'],
  nvmlDeviceGetCount_v2: ['out'],
  nvmlDeviceGetHandleByIndex_v2: ['uint', 'out'],

  nvmlDeviceGetName: text,
  nvmlDeviceGetUUID: text,
  nvmlDeviceGetSerial: text,
  nvmlDeviceGetVbiosVersion: text,
  nvmlDeviceGetPciInfo_v3: value,
  nvmlDeviceGetPciInfo_v2: value,
  nvmlDeviceGetArchitecture: value,
  nvmlDeviceGetCudaComputeCapability: ['handle', 'out', 'out'],

  nvmlDeviceGetFieldValues: ['handle', 'uint', 'out'],
  nvmlDeviceGetSamples: ['handle', 'uint', 'ulong', 'out', 'out', 'out'],
  nvmlDeviceGetUtilizationRates: value,
  nvmlDeviceGetEncoderUtilization: withPeriod,
  nvmlDeviceGetDecoderUtilization: withPeriod,
  nvmlDeviceGetJpgUtilization: withPeriod,
  nvmlDeviceGetOfaUtilization: withPeriod,
  nvmlDeviceGetMemoryInfo_v2: value,
  nvmlDeviceGetMemoryInfo: value,
  nvmlDeviceGetBAR1MemoryInfo: value,
  nvmlDeviceGetPowerUsage: value,
  nvmlDeviceGetTotalEnergyConsumption: value,
  nvmlDeviceGetTemperature: selected,
  nvmlDeviceGetTemperatureV: value,
  nvmlDeviceGetClockInfo: selected,
  nvmlDeviceGetCurrentClocksEventReasons: value,
  nvmlDeviceGetCurrentClocksThrottleReasons: value,
  nvmlDeviceGetViolationStatus: selected,
  nvmlDeviceGetPcieThroughput: selected,

  nvmlDeviceGetComputeRunningProcesses_v3: list,
  nvmlDeviceGetComputeRunningProcesses_v2: list,
  nvmlDeviceGetComputeRunningProcesses: list,
  nvmlDeviceGetGraphicsRunningProcesses_v3: list,
  nvmlDeviceGetGraphicsRunningProcesses_v2: list,
  nvmlDeviceGetGraphicsRunningProcesses: list,
  nvmlDeviceGetMPSComputeRunningProcesses_v3: list,
  nvmlDeviceGetMPSComputeRunningProcesses_v2: list,
  nvmlDeviceGetMPSComputeRunningProcesses: list,
  nvmlDeviceGetProcessUtilization: ['handle', 'out', 'out', 'ulong'],

  nvmlGpmQueryDeviceSupport: value,
  nvmlGpmSampleAlloc: ['out'],
  nvmlGpmSampleFree: ['handle'],
  nvmlGpmSampleGet: ['handle', 'handle'],
  nvmlGpmMigSampleGet: ['handle', 'uint', 'handle'],
  nvmlGpmMetricsGet: ['out'],

  nvmlDeviceGetPowerManagementLimit: value,
  nvmlDeviceGetPowerManagementDefaultLimit: value,
  nvmlDeviceGetPowerManagementLimitConstraints: ['handle', 'out', 'out'],
  nvmlDeviceGetEnforcedPowerLimit: value,
  nvmlDeviceGetTemperatureThreshold: selected,
  nvmlDeviceGetMarginTemperature: value,
  nvmlDeviceGetMaxClockInfo: selected,
  nvmlDeviceGetFanSpeed: value,
  nvmlDeviceGetPersistenceMode: value,
  nvmlDeviceGetComputeMode: value,
  nvmlDeviceGetPerformanceState: value,
  nvmlDeviceGetMemoryErrorCounter: ['handle', 'uint', 'uint', 'uint', 'out'],
  nvmlDeviceGetTotalEccErrors: ['handle', 'uint', 'uint', 'out'],
  nvmlDeviceGetSramEccErrorStatus: value,
  nvmlDeviceGetRetiredPages: ['handle', 'uint', 'out', 'out'],
  nvmlDeviceGetRetiredPagesPendingStatus: value,
  nvmlDeviceGetRemappedRows: ['handle', 'out', 'out', 'out', 'out'],
  nvmlDeviceGetRowRemapperHistogram: value,
  nvmlDeviceGetCurrPcieLinkGeneration: value,
  nvmlDeviceGetMaxPcieLinkGeneration: value,
  nvmlDeviceGetCurrPcieLinkWidth: value,
  nvmlDeviceGetMaxPcieLinkWidth: value,
  nvmlDeviceGetPcieReplayCounter: value,
  nvmlDeviceGetNvLinkState: selected,
  nvmlDeviceGetNvLinkErrorCounter: ['handle', 'uint', 'uint', 'out'],
  nvmlDeviceGetGpuFabricInfoV: value,
  nvmlDeviceGetGpuFabricInfo: value,
  nvmlDeviceGetMigMode: ['handle', 'out', 'out'],
  nvmlDeviceGetMaxMigDeviceCount: value,
  nvmlDeviceGetMigDeviceHandleByIndex: selected,
  nvmlDeviceGetGpuInstanceId: value,
  nvmlDeviceGetComputeInstanceId: value,
  nvmlDeviceGetAttributes_v2: value,

  nvmlDeviceGetSupportedEventTypes: value,
  nvmlEventSetCreate: ['out'],
  nvmlDeviceRegisterEvents: ['handle', 'ulong', 'handle'],
  nvmlEventSetWait_v2: ['handle', 'out', 'uint'],
  nvmlEventSetWait: ['handle', 'out', 'uint'],
  nvmlEventSetFree: ['handle'],
} as const satisfies Readonly<Record<string, readonly ArgumentKind[]>>;

export type NvmlCall = keyof typeof nvmlCalls;

interface Argument {
  readonly handle: bigint;
  readonly out: Buffer | null;
  readonly uint: number;
  readonly ulong: number;
}

type ArgumentsFor<K extends readonly ArgumentKind[]> = { readonly [I in keyof K]: Argument[K[I]] };
export type ArgumentsOf<N extends NvmlCall> = ArgumentsFor<(typeof nvmlCalls)[N]>;

/** Calls NVML and gives its return code. */
export type NvmlFunction<N extends NvmlCall> = (...args: ArgumentsOf<N>) => number;

/** Calls of the same arguments: `CallsLike<'nvmlDeviceGetPowerUsage'>` gives one number of one GPU each. */
export type CallsLike<N extends NvmlCall> = {
  [K in NvmlCall]: ArgumentsOf<K> extends ArgumentsOf<N> ? (ArgumentsOf<N> extends ArgumentsOf<K> ? K : never) : never;
}[NvmlCall];
