// MIG instances, and the processes that hold a GPU or an instance.
#include "state.h"
#include <string.h>

nvmlReturn_t nvmlDeviceGetMigMode(nvmlDevice_t device, unsigned *current, unsigned *pending) {
  ON(GPUS_ONLY, nvmlDeviceGetMigMode);
  nvmlReturn_t answer = give_u32(gpu.migMode, current);
  return answer == OK ? give_u32(gpu.migMode, pending) : answer;
}

nvmlReturn_t nvmlDeviceGetMaxMigDeviceCount(nvmlDevice_t device, unsigned *count) {
  ON(GPUS_ONLY, nvmlDeviceGetMaxMigDeviceCount);
  return give_u32(gpu.migMode == 1 ? COUNT_OF(gpu.instances) : 0, count);
}

nvmlReturn_t nvmlDeviceGetMigDeviceHandleByIndex(nvmlDevice_t device, unsigned index, nvmlDevice_t *instance) {
  ON(GPUS_ONLY, nvmlDeviceGetMigDeviceHandleByIndex);
  if (!instance || index >= COUNT_OF(gpu.instances)) return INVALID_ARGUMENT;
  if (gpu.migMode != 1) return NOT_SUPPORTED;
  if (gpu.instances[index].gi == ABSENT_U32) return NOT_FOUND;
  *instance = handle_of(device->slot, gpu.uuid, index);
  return *instance ? OK : OUT_OF_MEMORY;
}

nvmlReturn_t nvmlDeviceIsMigDeviceHandle(nvmlDevice_t device, unsigned *is_instance) {
  ON(INSTANCES_TOO, nvmlDeviceIsMigDeviceHandle);
  return give_u32(device->instance != WHOLE, is_instance);
}

nvmlReturn_t nvmlDeviceGetDeviceHandleFromMigDeviceHandle(nvmlDevice_t device, nvmlDevice_t *parent) {
  ON(INSTANCES_ONLY, nvmlDeviceGetDeviceHandleFromMigDeviceHandle);
  if (!parent) return INVALID_ARGUMENT;
  *parent = handle_of(device->slot, gpu.uuid, WHOLE);
  return *parent ? OK : OUT_OF_MEMORY;
}

nvmlReturn_t nvmlDeviceGetGpuInstanceId(nvmlDevice_t device, unsigned *id) {
  ON(INSTANCES_ONLY, nvmlDeviceGetGpuInstanceId);
  return give_u32(gpu.instances[device->instance].gi, id);
}

nvmlReturn_t nvmlDeviceGetComputeInstanceId(nvmlDevice_t device, unsigned *id) {
  ON(INSTANCES_ONLY, nvmlDeviceGetComputeInstanceId);
  return give_u32(gpu.instances[device->instance].ci, id);
}

nvmlReturn_t nvmlDeviceGetAttributes_v2(nvmlDevice_t device, nvmlDeviceAttributes_t *attributes) {
  ON(INSTANCES_ONLY, nvmlDeviceGetAttributes_v2);
  if (!attributes) return INVALID_ARGUMENT;
  const struct nvml_instance *known = &gpu.instances[device->instance];
  *attributes = (nvmlDeviceAttributes_t){
      .multiprocessorCount = known->multiprocessors,
      .gpuInstanceSliceCount = known->giSlices,
      .computeInstanceSliceCount = known->ciSlices,
      .memorySizeMB = known->memoryTotal >> 20,
  };
  return OK;
}

enum kind { COMPUTE, GRAPHICS, MPS };

static bool is_listed(const struct nvml_gpu *gpu, nvmlDevice_t device, const struct nvml_process *process) {
  if (process->pid == ABSENT_U32) return false;
  if (device->instance == WHOLE) return true;
  const struct nvml_instance *instance = &gpu->instances[device->instance];
  return process->gi == instance->gi && process->ci == instance->ci;
}

static unsigned list(const struct nvml_gpu *gpu, nvmlDevice_t device, enum kind kind, nvmlProcessInfo_v2_t *infos) {
  unsigned found = 0;
  for (unsigned at = 0; at < COUNT_OF(gpu->processes); at += 1) {
    const struct nvml_process *process = &gpu->processes[at];
    if (process->kind != kind || !is_listed(gpu, device, process)) continue;
    infos[found] = (nvmlProcessInfo_v2_t){process->pid, process->memory, process->gi, process->ci};
    found += 1;
  }
  return found;
}

static nvmlReturn_t room_for(unsigned found, unsigned *count, const void *infos) {
  if (!count) return INVALID_ARGUMENT;
  bool fits = *count >= found && (found == 0 || infos);
  *count = found;
  return fits ? OK : INSUFFICIENT_SIZE;
}

#define LISTS(function, kind)                                                                                          \
  nvmlReturn_t function(nvmlDevice_t device, unsigned *count, nvmlProcessInfo_v2_t *infos) {                           \
    ON(INSTANCES_TOO, function);                                                                                       \
    nvmlProcessInfo_v2_t found[COUNT_OF(gpu.processes)];                                                               \
    nvmlReturn_t answer = room_for(list(&gpu, device, kind, found), count, infos);                                     \
    if (answer == OK && *count > 0) memcpy(infos, found, *count * sizeof *found);                                      \
    return answer;                                                                                                     \
  }
LISTS(nvmlDeviceGetComputeRunningProcesses_v2, COMPUTE)
LISTS(nvmlDeviceGetComputeRunningProcesses_v3, COMPUTE)
LISTS(nvmlDeviceGetGraphicsRunningProcesses_v2, GRAPHICS)
LISTS(nvmlDeviceGetGraphicsRunningProcesses_v3, GRAPHICS)
LISTS(nvmlDeviceGetMPSComputeRunningProcesses_v2, MPS)
LISTS(nvmlDeviceGetMPSComputeRunningProcesses_v3, MPS)

/* The first version has shorter records. */
#define LISTS_SHORT(function, kind)                                                                                    \
  nvmlReturn_t function(nvmlDevice_t device, unsigned *count, nvmlProcessInfo_v1_t *infos) {                           \
    ON(INSTANCES_TOO, function);                                                                                       \
    nvmlProcessInfo_v2_t found[COUNT_OF(gpu.processes)];                                                               \
    nvmlReturn_t answer = room_for(list(&gpu, device, kind, found), count, infos);                                     \
    for (unsigned at = 0; answer == OK && at < *count; at += 1)                                                        \
      infos[at] = (nvmlProcessInfo_v1_t){found[at].pid, found[at].usedGpuMemory};                                      \
    return answer;                                                                                                     \
  }
LISTS_SHORT(nvmlDeviceGetComputeRunningProcesses, COMPUTE)
LISTS_SHORT(nvmlDeviceGetGraphicsRunningProcesses, GRAPHICS)
LISTS_SHORT(nvmlDeviceGetMPSComputeRunningProcesses, MPS)

/* One sample a second and process that works; none is an error of its own. */
nvmlReturn_t nvmlDeviceGetProcessUtilization(nvmlDevice_t device, nvmlProcessUtilizationSample_t *samples,
                                             unsigned *count, unsigned long long last_seen) {
  ON(GPUS_ONLY, nvmlDeviceGetProcessUtilization);
  if (!count) return INVALID_ARGUMENT;
  if (gpu.migMode == 1) return NOT_SUPPORTED;
  unsigned long long second = wall_us() / 1000000 * 1000000;
  nvmlProcessUtilizationSample_t found[COUNT_OF(gpu.processes)];
  unsigned used = 0;
  for (unsigned at = 0; at < COUNT_OF(gpu.processes) && second > last_seen; at += 1) {
    const struct nvml_process *process = &gpu.processes[at];
    if (process->pid == ABSENT_U32 || process->smPercent == ABSENT_U32) continue;
    found[used] = (nvmlProcessUtilizationSample_t){process->pid, second, process->smPercent, 0, 0, 0};
    if (process->memoryPercent != ABSENT_U32) found[used].memUtil = process->memoryPercent;
    if (process->encoderPercent != ABSENT_U32) found[used].encUtil = process->encoderPercent;
    if (process->decoderPercent != ABSENT_U32) found[used].decUtil = process->decoderPercent;
    used += 1;
  }
  if (used == 0) return NOT_FOUND;
  nvmlReturn_t answer = room_for(used, count, samples);
  if (answer == OK) memcpy(samples, found, used * sizeof *found);
  return answer;
}
