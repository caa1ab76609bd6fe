// Who a GPU is: names, numbers, its place on the bus and among the others.
#include "state.h"
#include <stdio.h>
#include <string.h>

nvmlReturn_t nvmlDeviceGetName(nvmlDevice_t device, char *name, unsigned length) {
  ON(INSTANCES_TOO, nvmlDeviceGetName);
  if (device->instance == WHOLE) return give_text(gpu.name, name, length);
  char whole[160];
  snprintf(whole, sizeof whole, "%s MIG %s", gpu.name, gpu.instances[device->instance].profile);
  return give_text(whole, name, length);
}

nvmlReturn_t nvmlDeviceGetUUID(nvmlDevice_t device, char *uuid, unsigned length) {
  ON(INSTANCES_TOO, nvmlDeviceGetUUID);
  return give_text(device->instance == WHOLE ? gpu.uuid : gpu.instances[device->instance].uuid, uuid, length);
}

nvmlReturn_t nvmlDeviceGetSerial(nvmlDevice_t device, char *serial, unsigned length) {
  ON(GPUS_ONLY, nvmlDeviceGetSerial);
  return give_text(gpu.serial, serial, length);
}

nvmlReturn_t nvmlDeviceGetVbiosVersion(nvmlDevice_t device, char *version, unsigned length) {
  ON(GPUS_ONLY, nvmlDeviceGetVbiosVersion);
  return give_text(gpu.vbios, version, length);
}

nvmlReturn_t nvmlDeviceGetIndex(nvmlDevice_t device, unsigned *index) {
  ON(INSTANCES_TOO, nvmlDeviceGetIndex);
  return give_u32(device->instance == WHOLE ? device->slot : device->instance, index);
}

nvmlReturn_t nvmlDeviceGetMinorNumber(nvmlDevice_t device, unsigned *minor) {
  ON(GPUS_ONLY, nvmlDeviceGetMinorNumber);
  return give_u32(gpu.minor, minor);
}

static bool read_place(const char *bus_id, unsigned place[3]) {
  return sscanf(bus_id, "%x:%x:%x.", &place[0], &place[1], &place[2]) == 3;
}

static nvmlReturn_t give_pci(const struct nvml_gpu *gpu, nvmlPciInfo_t *pci) {
  unsigned place[3];
  if (!pci) return INVALID_ARGUMENT;
  if (!read_place(gpu->busId, place)) return NOT_SUPPORTED;
  *pci = (nvmlPciInfo_t){
      .domain = place[0],
      .bus = place[1],
      .device = place[2],
      .pciDeviceId = gpu->pciDeviceId,
      .pciSubSystemId = gpu->pciSubsystemId,
  };
  snprintf(pci->busIdLegacy, sizeof pci->busIdLegacy, "%04X:%02X:%02X.0", place[0] & 0xffff, place[1], place[2]);
  snprintf(pci->busId, sizeof pci->busId, "%08X:%02X:%02X.0", place[0], place[1], place[2]);
  return OK;
}

nvmlReturn_t nvmlDeviceGetPciInfo_v3(nvmlDevice_t device, nvmlPciInfo_t *pci) {
  ON(GPUS_ONLY, nvmlDeviceGetPciInfo_v3);
  return give_pci(&gpu, pci);
}

static nvmlReturn_t give_old_pci(const struct nvml_gpu *gpu, nvmlPciInfo_v2_t *pci) {
  nvmlPciInfo_t newer;
  nvmlReturn_t answer = pci ? give_pci(gpu, &newer) : INVALID_ARGUMENT;
  if (answer != OK) return answer;
  *pci = (nvmlPciInfo_v2_t){
      .domain = newer.domain,
      .bus = newer.bus,
      .device = newer.device,
      .pciDeviceId = newer.pciDeviceId,
      .pciSubSystemId = newer.pciSubSystemId,
  };
  memcpy(pci->busId, newer.busIdLegacy, sizeof pci->busId);
  return OK;
}

nvmlReturn_t nvmlDeviceGetPciInfo_v2(nvmlDevice_t device, nvmlPciInfo_v2_t *pci) {
  ON(GPUS_ONLY, nvmlDeviceGetPciInfo_v2);
  return give_old_pci(&gpu, pci);
}

nvmlReturn_t nvmlDeviceGetPciInfo(nvmlDevice_t device, nvmlPciInfo_v2_t *pci) {
  ON(GPUS_ONLY, nvmlDeviceGetPciInfo);
  return give_old_pci(&gpu, pci);
}

nvmlReturn_t nvmlDeviceGetArchitecture(nvmlDevice_t device, unsigned *architecture) {
  ON(GPUS_ONLY, nvmlDeviceGetArchitecture);
  return give_u32(gpu.architecture, architecture);
}

nvmlReturn_t nvmlDeviceGetBrand(nvmlDevice_t device, unsigned *brand) {
  ON(GPUS_ONLY, nvmlDeviceGetBrand);
  return give_u32(gpu.brand, brand);
}

nvmlReturn_t nvmlDeviceGetCudaComputeCapability(nvmlDevice_t device, int *major, int *minor) {
  ON(GPUS_ONLY, nvmlDeviceGetCudaComputeCapability);
  nvmlReturn_t answer = give_u32(gpu.computeMajor, (unsigned *)major);
  return answer == OK ? give_u32(gpu.computeMinor, (unsigned *)minor) : answer;
}

nvmlReturn_t nvmlDeviceGetPersistenceMode(nvmlDevice_t device, unsigned *mode) {
  ON(GPUS_ONLY, nvmlDeviceGetPersistenceMode);
  return give_u32(gpu.persistenceMode, mode);
}

nvmlReturn_t nvmlDeviceGetComputeMode(nvmlDevice_t device, unsigned *mode) {
  ON(GPUS_ONLY, nvmlDeviceGetComputeMode);
  return give_u32(gpu.computeMode, mode);
}

nvmlReturn_t nvmlDeviceGetPerformanceState(nvmlDevice_t device, unsigned *state) {
  ON(GPUS_ONLY, nvmlDeviceGetPerformanceState);
  return give_u32(gpu.performanceState, state);
}

nvmlReturn_t nvmlDeviceGetTopologyCommonAncestor(nvmlDevice_t device, nvmlDevice_t other, unsigned *level) {
  ON(GPUS_ONLY, nvmlDeviceGetTopologyCommonAncestor);
  struct nvml_gpu second;
  if (!other || !read_gpu(other, &second)) return INVALID_ARGUMENT;
  return give_u32(gpu.topology[other->slot], level);
}
