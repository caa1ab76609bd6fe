// PCIe, NVLink and the NVLink fabric.
#include "state.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

/* The driver measures while the caller waits. */
nvmlReturn_t nvmlDeviceGetPcieThroughput(nvmlDevice_t device, unsigned direction, unsigned *kilobytes) {
  ON(GPUS_ONLY, nvmlDeviceGetPcieThroughput);
  if (direction > 1) return INVALID_ARGUMENT;
  sleep_ms(read_header().pcieWaitMs);
  struct counter bytes = direction == 0 ? gpu.pcieTxBytes : gpu.pcieRxBytes;
  return give_u32(isnan(bytes.from) ? ABSENT_U32 : (uint32_t)(bytes.perSecond / 1000), kilobytes);
}

#define NUMBER(function, field)                                                                                        \
  nvmlReturn_t function(nvmlDevice_t device, unsigned *number) {                                                       \
    ON(GPUS_ONLY, function);                                                                                           \
    return give_u32(gpu.field, number);                                                                                \
  }
NUMBER(nvmlDeviceGetPcieReplayCounter, pcieReplays)
NUMBER(nvmlDeviceGetCurrPcieLinkGeneration, pcieGeneration)
NUMBER(nvmlDeviceGetCurrPcieLinkWidth, pcieWidth)
NUMBER(nvmlDeviceGetMaxPcieLinkGeneration, pcieMaxGeneration)
NUMBER(nvmlDeviceGetMaxPcieLinkWidth, pcieMaxWidth)

static nvmlReturn_t find_link(const struct nvml_gpu *gpu, unsigned link) {
  if (gpu->linkCount == ABSENT_U32 || gpu->linkCount == 0) return NOT_SUPPORTED;
  return link < gpu->linkCount ? OK : INVALID_ARGUMENT;
}

nvmlReturn_t nvmlDeviceGetNvLinkState(nvmlDevice_t device, unsigned link, unsigned *active) {
  ON(GPUS_ONLY, nvmlDeviceGetNvLinkState);
  nvmlReturn_t answer = find_link(&gpu, link);
  return answer == OK ? give_u32(gpu.links[link].active, active) : answer;
}

nvmlReturn_t nvmlDeviceGetNvLinkVersion(nvmlDevice_t device, unsigned link, unsigned *version) {
  ON(GPUS_ONLY, nvmlDeviceGetNvLinkVersion);
  nvmlReturn_t answer = find_link(&gpu, link);
  return answer == OK ? give_u32(gpu.linkVersion, version) : answer;
}

nvmlReturn_t nvmlDeviceGetNvLinkErrorCounter(nvmlDevice_t device, unsigned link, unsigned kind,
                                             unsigned long long *count) {
  ON(GPUS_ONLY, nvmlDeviceGetNvLinkErrorCounter);
  nvmlReturn_t answer = find_link(&gpu, link);
  if (answer != OK) return answer;
  return kind < COUNT_OF(gpu.links[link].errors) ? give_u64(gpu.links[link].errors[kind], count) : INVALID_ARGUMENT;
}

nvmlReturn_t nvmlDeviceGetNvLinkRemotePciInfo_v2(nvmlDevice_t device, unsigned link, nvmlPciInfo_t *pci) {
  ON(GPUS_ONLY, nvmlDeviceGetNvLinkRemotePciInfo_v2);
  nvmlReturn_t answer = pci ? find_link(&gpu, link) : INVALID_ARGUMENT;
  if (answer != OK) return answer;
  *pci = (nvmlPciInfo_t){0};
  answer = give_text(gpu.links[link].remoteBusId, pci->busId, sizeof pci->busId);
  if (answer == OK) sscanf(pci->busId, "%x:%x:%x.", &pci->domain, &pci->bus, &pci->device);
  return answer;
}

nvmlReturn_t nvmlDeviceGetGpuFabricInfo(nvmlDevice_t device, nvmlGpuFabricInfo_t *info) {
  ON(GPUS_ONLY, nvmlDeviceGetGpuFabricInfo);
  if (!info) return INVALID_ARGUMENT;
  if (gpu.fabricState == ABSENT_U32) return NOT_SUPPORTED;
  memcpy(info->clusterUuid, gpu.fabricCluster, sizeof info->clusterUuid);
  info->status = gpu.fabricStatus;
  info->cliqueId = gpu.fabricClique;
  info->state = gpu.fabricState;
  return OK;
}

nvmlReturn_t nvmlDeviceGetGpuFabricInfoV(nvmlDevice_t device, nvmlGpuFabricInfo_v3_t *info) {
  ON(GPUS_ONLY, nvmlDeviceGetGpuFabricInfoV);
  if (!info) return INVALID_ARGUMENT;
  bool third = info->version == (sizeof *info | 3 << 24);
  if (!third && info->version != (36 | 2 << 24)) return VERSION_MISMATCH;
  if (gpu.fabricState == ABSENT_U32) return NOT_SUPPORTED;
  memcpy(info->clusterUuid, gpu.fabricCluster, sizeof info->clusterUuid);
  info->status = gpu.fabricStatus;
  info->cliqueId = gpu.fabricClique;
  info->state = gpu.fabricState;
  info->healthMask = gpu.fabricHealthMask;
  if (third) info->healthSummary = gpu.fabricHealthSummary;
  return OK;
}
