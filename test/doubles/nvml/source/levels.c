// How busy a GPU is, its memory, power, temperatures and clocks, now and in the driver's sample buffer.
#include "state.h"

nvmlReturn_t nvmlDeviceGetUtilizationRates(nvmlDevice_t device, nvmlUtilization_t *rates) {
  ON(GPUS_ONLY, nvmlDeviceGetUtilizationRates);
  if (!rates) return INVALID_ARGUMENT;
  nvmlReturn_t answer = give_u32(gpu.history[0].gpuPercent, &rates->gpu);
  return answer == OK ? give_u32(gpu.history[0].memoryPercent, &rates->memory) : answer;
}

static nvmlReturn_t give_engine(const struct nvml_gpu *gpu, uint32_t percent, unsigned *out[2]) {
  (void)gpu;
  nvmlReturn_t answer = give_u32(percent, out[0]);
  return answer == OK ? give_u32(167000, out[1]) : answer;
}
#define ENGINE(function, field)                                                                                        \
  nvmlReturn_t function(nvmlDevice_t device, unsigned *percent, unsigned *period_us) {                                 \
    ON(GPUS_ONLY, function);                                                                                           \
    return give_engine(&gpu, gpu.history[0].field, (unsigned *[]){percent, period_us});                                \
  }
ENGINE(nvmlDeviceGetEncoderUtilization, encoderPercent)
ENGINE(nvmlDeviceGetDecoderUtilization, decoderPercent)
ENGINE(nvmlDeviceGetJpgUtilization, jpegPercent)
ENGINE(nvmlDeviceGetOfaUtilization, ofaPercent)

static uint32_t sampled(const struct nvml_gpu *gpu, const struct nvml_levels *levels, unsigned type) {
  switch (type) {
  case 0: return levels->powerMw;
  case 1: return levels->gpuPercent;
  case 2: return levels->memoryPercent;
  case 3: return levels->encoderPercent;
  case 4: return levels->decoderPercent;
  case 5: return gpu->clocks[1];
  case 6: return gpu->clocks[2];
  case 8: return levels->jpegPercent;
  case 9: return levels->ofaPercent;
  default: return ABSENT_U32;
  }
}

/* The load at that time; before the oldest that is remembered, the oldest. */
static const struct nvml_levels *levels_at(const struct nvml_gpu *gpu, uint64_t ns) {
  unsigned at = 0;
  while (at + 1 < COUNT_OF(gpu->history) && gpu->history[at + 1].sinceNs != ABSENT_U64 && gpu->history[at].sinceNs > ns)
    at += 1;
  return &gpu->history[at];
}

/* Samples stand at whole multiples of the period, so that two callers see the same ones. */
nvmlReturn_t nvmlDeviceGetSamples(nvmlDevice_t device, unsigned type, unsigned long long last_seen, unsigned *value_type,
                                  unsigned *count, nvmlSample_t *samples) {
  enum { BUFFERED = 120 };
  ON(GPUS_ONLY, nvmlDeviceGetSamples);
  if (!count || !value_type) return INVALID_ARGUMENT;
  if (sampled(&gpu, &gpu.history[0], type) == ABSENT_U32) return NOT_SUPPORTED;
  *value_type = IS_UINT;
  if (!samples) {
    *count = BUFFERED;
    return OK;
  }
  struct nvml_header header = read_header();
  uint64_t now = wall_us(), period = header.samplePeriodUs, newest = now / period;
  uint64_t oldest = newest - BUFFERED + 1, unseen = last_seen / period + 1;
  if (unseen > oldest) oldest = unseen;
  if (oldest > newest) return NOT_FOUND;
  if (newest - oldest + 1 > *count) newest = oldest + *count - 1;
  *count = 0;
  for (uint64_t at = oldest; at <= newest; at += 1, *count += 1) {
    uint64_t ns = header.monotonicNs + ((int64_t)(at * period - header.wallUs)) * 1000;
    samples[*count] = (nvmlSample_t){.timeStamp = at * period};
    samples[*count].sampleValue.unsigned32 = sampled(&gpu, levels_at(&gpu, ns), type);
  }
  return OK;
}

static nvmlReturn_t memory_of(const struct nvml_gpu *gpu, nvmlDevice_t device, nvmlMemory_v2_t *memory) {
  if (device->instance == WHOLE) {
    memory->total = gpu->memoryTotal;
    memory->used = gpu->memoryUsed;
    memory->reserved = gpu->memoryReserved == ABSENT_U64 ? 0 : gpu->memoryReserved;
  } else {
    memory->total = gpu->instances[device->instance].memoryTotal;
    memory->used = gpu->instances[device->instance].memoryUsed;
    memory->reserved = 0;
  }
  if (memory->total == ABSENT_U64 || memory->used == ABSENT_U64) return NOT_SUPPORTED;
  memory->free = memory->total - memory->used - memory->reserved;
  return OK;
}

/* The first version counts what is reserved as used. */
nvmlReturn_t nvmlDeviceGetMemoryInfo(nvmlDevice_t device, nvmlMemory_t *memory) {
  ON(INSTANCES_TOO, nvmlDeviceGetMemoryInfo);
  nvmlMemory_v2_t newer;
  nvmlReturn_t answer = memory ? memory_of(&gpu, device, &newer) : INVALID_ARGUMENT;
  if (answer == OK) *memory = (nvmlMemory_t){newer.total, newer.free, newer.used + newer.reserved};
  return answer;
}

nvmlReturn_t nvmlDeviceGetMemoryInfo_v2(nvmlDevice_t device, nvmlMemory_v2_t *memory) {
  ON(INSTANCES_TOO, nvmlDeviceGetMemoryInfo_v2);
  if (!memory) return INVALID_ARGUMENT;
  if (memory->version != (sizeof *memory | 2 << 24)) return VERSION_MISMATCH;
  return memory_of(&gpu, device, memory);
}

nvmlReturn_t nvmlDeviceGetBAR1MemoryInfo(nvmlDevice_t device, nvmlBAR1Memory_t *memory) {
  ON(GPUS_ONLY, nvmlDeviceGetBAR1MemoryInfo);
  if (!memory) return INVALID_ARGUMENT;
  if (gpu.bar1Total == ABSENT_U64 || gpu.bar1Used == ABSENT_U64) return NOT_SUPPORTED;
  *memory = (nvmlBAR1Memory_t){gpu.bar1Total, gpu.bar1Total - gpu.bar1Used, gpu.bar1Used};
  return OK;
}

#define LEVEL(function, value)                                                                                         \
  nvmlReturn_t function(nvmlDevice_t device, unsigned *level) {                                                        \
    ON(GPUS_ONLY, function);                                                                                           \
    return give_u32(value, level);                                                                                     \
  }
LEVEL(nvmlDeviceGetPowerUsage, gpu.history[0].powerMw)
LEVEL(nvmlDeviceGetPowerManagementLimit, gpu.powerLimitMw)
LEVEL(nvmlDeviceGetPowerManagementDefaultLimit, gpu.powerDefaultMw)
LEVEL(nvmlDeviceGetEnforcedPowerLimit, gpu.powerEnforcedMw)
LEVEL(nvmlDeviceGetFanSpeed, gpu.fanPercent)

nvmlReturn_t nvmlDeviceGetPowerManagementLimitConstraints(nvmlDevice_t device, unsigned *least, unsigned *most) {
  ON(GPUS_ONLY, nvmlDeviceGetPowerManagementLimitConstraints);
  nvmlReturn_t answer = give_u32(gpu.powerMinMw, least);
  return answer == OK ? give_u32(gpu.powerMaxMw, most) : answer;
}

nvmlReturn_t nvmlDeviceGetTotalEnergyConsumption(nvmlDevice_t device, unsigned long long *millijoules) {
  ON(GPUS_ONLY, nvmlDeviceGetTotalEnergyConsumption);
  return give_count(count_now(&gpu, gpu.energyMj), millijoules);
}

nvmlReturn_t nvmlDeviceGetTemperature(nvmlDevice_t device, unsigned sensor, unsigned *celsius) {
  ON(GPUS_ONLY, nvmlDeviceGetTemperature);
  return sensor == 0 ? give_u32(gpu.temperature, celsius) : INVALID_ARGUMENT;
}

nvmlReturn_t nvmlDeviceGetTemperatureV(nvmlDevice_t device, nvmlTemperature_v1_t *temperature) {
  ON(GPUS_ONLY, nvmlDeviceGetTemperatureV);
  if (!temperature || temperature->sensorType != 0) return INVALID_ARGUMENT;
  if (temperature->version != (sizeof *temperature | 1 << 24)) return VERSION_MISMATCH;
  return give_u32(gpu.temperature, (unsigned *)&temperature->temperature);
}

nvmlReturn_t nvmlDeviceGetTemperatureThreshold(nvmlDevice_t device, unsigned kind, unsigned *celsius) {
  ON(GPUS_ONLY, nvmlDeviceGetTemperatureThreshold);
  return kind < COUNT_OF(gpu.thresholds) ? give_u32(gpu.thresholds[kind], celsius) : INVALID_ARGUMENT;
}

nvmlReturn_t nvmlDeviceGetMarginTemperature(nvmlDevice_t device, nvmlMarginTemperature_v1_t *margin) {
  ON(GPUS_ONLY, nvmlDeviceGetMarginTemperature);
  if (!margin) return INVALID_ARGUMENT;
  if (margin->version != (sizeof *margin | 1 << 24)) return VERSION_MISMATCH;
  if (gpu.margin == ABSENT_I32) return NOT_SUPPORTED;
  margin->marginTemperature = gpu.margin;
  return OK;
}

nvmlReturn_t nvmlDeviceGetClockInfo(nvmlDevice_t device, unsigned domain, unsigned *mhz) {
  ON(GPUS_ONLY, nvmlDeviceGetClockInfo);
  return domain < COUNT_OF(gpu.clocks) ? give_u32(gpu.clocks[domain], mhz) : INVALID_ARGUMENT;
}

nvmlReturn_t nvmlDeviceGetMaxClockInfo(nvmlDevice_t device, unsigned domain, unsigned *mhz) {
  ON(GPUS_ONLY, nvmlDeviceGetMaxClockInfo);
  return domain < COUNT_OF(gpu.maxClocks) ? give_u32(gpu.maxClocks[domain], mhz) : INVALID_ARGUMENT;
}
