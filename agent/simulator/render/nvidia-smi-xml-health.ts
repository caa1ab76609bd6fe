// Of `nvidia-smi -q -x`: throttling, ECC errors, retired pages, temperatures.
import { eccTotal, type EccCounts } from '../gpu-counters.ts';
import { temperatureLimits, throttle } from '../gpu-model.ts';
import type { Cell } from './nvidia-smi-columns.ts';
import { NONE, type Elements, type Read } from './xml-text.ts';

/** In the order of the document; bits as NVML numbers them. */
const reasons = {
  gpu_idle: throttle.gpuIdle,
  applications_clocks_setting: 0x2,
  sw_power_cap: throttle.swPowerCap,
  hw_slowdown: 0x8,
  hw_thermal_slowdown: 0x40,
  hw_power_brake_slowdown: 0x80,
  sync_boost: 0x10,
  sw_thermal_slowdown: throttle.swThermal,
  display_clocks_setting: 0x100,
} as const;

export function throttleElements({ gpu }: Cell, read: Read): Elements {
  return Object.fromEntries(
    Object.entries(reasons).map(([reason, bit]) => [
      `clocks_throttle_reason_${reason}`,
      read((gpu.throttleMask & bit) === 0 ? 'Not Active' : 'Active'),
    ]),
  );
}

export function eccElements({ counters }: Cell, read: Read): Elements {
  const scope = (kind: 'volatile' | 'aggregate'): Elements => ({
    single_bit: eccPlaces(counters.corrected(kind), read, NONE),
    double_bit: eccPlaces(counters.uncorrected, read, read(String(counters.uncorrected.cbu))),
  });
  return { volatile: scope('volatile'), aggregate: scope('aggregate') };
}

function eccPlaces(counts: EccCounts, read: Read, cbu: string): Elements {
  return {
    device_memory: read(String(counts.device_memory)),
    register_file: read(String(counts.register_file)),
    l1_cache: read(String(counts.l1_cache)),
    l2_cache: read(String(counts.l2_cache)),
    texture_memory: NONE,
    texture_shm: NONE,
    cbu,
    total: read(String(eccTotal(counts))),
  };
}

export function retiredPageElements({ counters }: Cell, read: Read): Elements {
  const pending = read(counters.retirementPending ? 'Yes' : 'No');
  return {
    multiple_single_bit_retirement: { retired_count: read(String(counters.retiredPages)), retired_pagelist: {} },
    double_bit_retirement: { retired_count: read('0'), retired_pagelist: {} },
    pending_blacklist: pending,
    pending_retirement: pending,
  };
}

export function temperatureElements({ gpu }: Cell, read: Read): Elements {
  const { shutdown, slowdown, maxOperating, memoryMax } = temperatureLimits;
  return {
    gpu_temp: read(`${Math.round(gpu.temperatureC)} C`),
    gpu_temp_max_threshold: read(`${shutdown} C`),
    gpu_temp_slow_threshold: read(`${slowdown} C`),
    gpu_temp_max_gpu_threshold: read(`${maxOperating} C`),
    gpu_target_temperature: NONE,
    memory_temp: read(`${Math.round(gpu.memoryTemperatureC)} C`),
    gpu_temp_max_mem_threshold: read(`${memoryMax} C`),
  };
}
