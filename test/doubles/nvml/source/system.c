// The library itself: starting and ending, versions, how many GPUs there are, and their handles.
#include "state.h"
#include <strings.h>
#include <string.h>

nvmlReturn_t nvmlInit(void) { return begin_use(FN_nvmlInit); }
nvmlReturn_t nvmlInit_v2(void) { return begin_use(FN_nvmlInit_v2); }
nvmlReturn_t nvmlInitWithFlags(unsigned flags) {
  (void)flags;
  return begin_use(FN_nvmlInitWithFlags);
}

nvmlReturn_t nvmlShutdown(void) {
  ENTER(nvmlShutdown);
  return end_use();
}

const char *nvmlErrorString(nvmlReturn_t result) {
  static const char *const words[] = {
      [OK] = "no error",
      [UNINITIALIZED] = "not initialised",
      [INVALID_ARGUMENT] = "bad argument",
      [NOT_SUPPORTED] = "not supported",
      [4] = "no permission",
      [NOT_FOUND] = "not found",
      [INSUFFICIENT_SIZE] = "buffer too small",
      [DRIVER_NOT_LOADED] = "driver not loaded",
      [TIMEOUT] = "timeout",
      [12] = "library not found",
      [13] = "function not found",
      [GPU_IS_LOST] = "GPU is lost",
      [16] = "GPU requires reset",
      [18] = "driver and library differ in version",
      [OUT_OF_MEMORY] = "out of memory",
      [NO_DATA] = "no data",
      [VERSION_MISMATCH] = "version of the argument does not match",
  };
  const char *word = (unsigned)result < COUNT_OF(words) ? words[result] : NULL;
  return word ? word : "unknown error";
}

nvmlReturn_t nvmlSystemGetDriverVersion(char *version, unsigned length) {
  ENTER(nvmlSystemGetDriverVersion);
  return give_text(read_header().driver, version, length);
}

nvmlReturn_t nvmlSystemGetNVMLVersion(char *version, unsigned length) {
  ENTER(nvmlSystemGetNVMLVersion);
  return give_text(read_header().nvmlVersion, version, length);
}

nvmlReturn_t nvmlSystemGetCudaDriverVersion(int *version) {
  ENTER(nvmlSystemGetCudaDriverVersion);
  return give_u32(read_header().cudaVersion, (unsigned *)version);
}

nvmlReturn_t nvmlSystemGetCudaDriverVersion_v2(int *version) {
  ENTER(nvmlSystemGetCudaDriverVersion_v2);
  return give_u32(read_header().cudaVersion, (unsigned *)version);
}

nvmlReturn_t nvmlDeviceGetCount(unsigned *count) {
  ENTER(nvmlDeviceGetCount);
  return give_u32(read_header().gpuCount, count);
}

nvmlReturn_t nvmlDeviceGetCount_v2(unsigned *count) {
  ENTER(nvmlDeviceGetCount_v2);
  return give_u32(read_header().gpuCount, count);
}

static nvmlReturn_t give_handle(int slot, nvmlDevice_t *device) {
  struct nvml_gpu gpu;
  if (!device || !read_gpu_at(slot, &gpu)) return INVALID_ARGUMENT;
  if (gpu.loss != ABSENT_U32) return gpu.loss;
  *device = handle_of(slot, gpu.uuid, WHOLE);
  return *device ? OK : OUT_OF_MEMORY;
}

nvmlReturn_t nvmlDeviceGetHandleByIndex(unsigned index, nvmlDevice_t *device) {
  nvmlReturn_t failed = enter(FN_nvmlDeviceGetHandleByIndex, index);
  return failed != OK ? failed : give_handle(index, device);
}

nvmlReturn_t nvmlDeviceGetHandleByIndex_v2(unsigned index, nvmlDevice_t *device) {
  nvmlReturn_t failed = enter(FN_nvmlDeviceGetHandleByIndex_v2, index);
  return failed != OK ? failed : give_handle(index, device);
}

nvmlReturn_t nvmlDeviceGetHandleByUUID(const char *uuid, nvmlDevice_t *device) {
  ENTER(nvmlDeviceGetHandleByUUID);
  struct nvml_gpu gpu;
  if (!uuid) return INVALID_ARGUMENT;
  for (int slot = 0; read_gpu_at(slot, &gpu); slot += 1)
    if (strcmp(gpu.uuid, uuid) == 0) return give_handle(slot, device);
  return NOT_FOUND;
}

nvmlReturn_t nvmlDeviceGetHandleByPciBusId_v2(const char *bus_id, nvmlDevice_t *device) {
  ENTER(nvmlDeviceGetHandleByPciBusId_v2);
  struct nvml_gpu gpu;
  if (!bus_id) return INVALID_ARGUMENT;
  for (int slot = 0; read_gpu_at(slot, &gpu); slot += 1)
    if (strcasecmp(gpu.busId, bus_id) == 0) return give_handle(slot, device);
  return NOT_FOUND;
}
