// What drivers of 418 to 450, the first for V100 in the field, do not export of what the stand-in has.
import type { NvmlFunction } from '../../../agent/simulator/render/nvml-functions.ts';
import type { NvmlDriver } from '../../../agent/simulator/render/nvml-state.ts';

export const v100EraSymbolsLeftOut: readonly NvmlFunction[] = [
  'nvmlDeviceGetArchitecture',
  'nvmlDeviceGetJpgUtilization',
  'nvmlDeviceGetOfaUtilization',
  'nvmlDeviceGetMemoryInfo_v2',
  'nvmlDeviceGetTemperatureV',
  'nvmlDeviceGetMarginTemperature',
  'nvmlDeviceGetCurrentClocksEventReasons',
  'nvmlDeviceGetSramEccErrorStatus',
  'nvmlDeviceGetRemappedRows',
  'nvmlDeviceGetRowRemapperHistogram',
  'nvmlEventSetWait_v2',
  'nvmlDeviceGetGpuFabricInfo',
  'nvmlDeviceGetGpuFabricInfoV',
  'nvmlDeviceGetComputeRunningProcesses_v2',
  'nvmlDeviceGetComputeRunningProcesses_v3',
  'nvmlDeviceGetGraphicsRunningProcesses_v2',
  'nvmlDeviceGetGraphicsRunningProcesses_v3',
  'nvmlDeviceGetMPSComputeRunningProcesses',
  'nvmlDeviceGetMPSComputeRunningProcesses_v2',
  'nvmlDeviceGetMPSComputeRunningProcesses_v3',
  'nvmlDeviceGetMigMode',
  'nvmlDeviceGetMaxMigDeviceCount',
  'nvmlDeviceGetMigDeviceHandleByIndex',
  'nvmlDeviceIsMigDeviceHandle',
  'nvmlDeviceGetGpuInstanceId',
  'nvmlDeviceGetComputeInstanceId',
  'nvmlDeviceGetAttributes_v2',
  'nvmlDeviceGetDeviceHandleFromMigDeviceHandle',
  'nvmlGpmQueryDeviceSupport',
  'nvmlGpmSampleAlloc',
  'nvmlGpmSampleFree',
  'nvmlGpmSampleGet',
  'nvmlGpmMigSampleGet',
  'nvmlGpmMetricsGet',
];

/** Its field values end with the speeds of twelve links. */
export const v100EraDriver: Partial<NvmlDriver> = {
  driver: '418.87.01',
  nvml: '10.418.87.01',
  cuda: 10_010,
  newestField: 137,
};
