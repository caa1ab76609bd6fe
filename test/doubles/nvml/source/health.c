// Throttling, ECC, and memory that was taken out of service.
#include "state.h"

nvmlReturn_t nvmlDeviceGetCurrentClocksThrottleReasons(nvmlDevice_t device, unsigned long long *mask) {
  ON(GPUS_ONLY, nvmlDeviceGetCurrentClocksThrottleReasons);
  return give_u64(gpu.throttleMask, mask);
}

nvmlReturn_t nvmlDeviceGetCurrentClocksEventReasons(nvmlDevice_t device, unsigned long long *mask) {
  ON(GPUS_ONLY, nvmlDeviceGetCurrentClocksEventReasons);
  return give_u64(gpu.throttleMask, mask);
}

/* Policies 0 to 5, then 10 and 11, are the order of the fields. */
nvmlReturn_t nvmlDeviceGetViolationStatus(nvmlDevice_t device, unsigned policy, nvmlViolationTime_t *violation) {
  ON(GPUS_ONLY, nvmlDeviceGetViolationStatus);
  unsigned at = policy >= 10 ? policy - 4 : policy;
  if (!violation || at >= COUNT_OF(gpu.policies) || (policy > 5 && policy < 10)) return INVALID_ARGUMENT;
  violation->referenceTime = wall_us();
  return give_count(count_now(&gpu, gpu.policies[at]), &violation->violationTime);
}

nvmlReturn_t nvmlDeviceGetEccMode(nvmlDevice_t device, unsigned *current, unsigned *pending) {
  ON(GPUS_ONLY, nvmlDeviceGetEccMode);
  nvmlReturn_t answer = give_u32(gpu.eccMode, current);
  return answer == OK ? give_u32(gpu.eccMode, pending) : answer;
}

enum { PLACES = 8, TOTAL = 8 };
static nvmlReturn_t give_errors(const struct nvml_gpu *gpu, const unsigned kind[3], unsigned long long *count) {
  const uint64_t *const counters[] = {gpu->eccVolatileCorrected, gpu->eccVolatileUncorrected, gpu->eccAggregateCorrected,
                                      gpu->eccAggregateUncorrected};
  if (kind[0] > 1 || kind[1] > 1 || kind[2] > TOTAL) return INVALID_ARGUMENT;
  return give_u64(counters[kind[1] * 2 + kind[0]][kind[2]], count);
}

nvmlReturn_t nvmlDeviceGetTotalEccErrors(nvmlDevice_t device, unsigned error, unsigned scope, unsigned long long *count) {
  ON(GPUS_ONLY, nvmlDeviceGetTotalEccErrors);
  return give_errors(&gpu, (unsigned[]){error, scope, TOTAL}, count);
}

nvmlReturn_t nvmlDeviceGetMemoryErrorCounter(nvmlDevice_t device, unsigned error, unsigned scope, unsigned place,
                                             unsigned long long *count) {
  ON(GPUS_ONLY, nvmlDeviceGetMemoryErrorCounter);
  if (place >= PLACES) return INVALID_ARGUMENT;
  return give_errors(&gpu, (unsigned[]){error, scope, place}, count);
}

nvmlReturn_t nvmlDeviceGetSramEccErrorStatus(nvmlDevice_t device, nvmlEccSramErrorStatus_t *status) {
  enum { SRAM = 7 };
  ON(GPUS_ONLY, nvmlDeviceGetSramEccErrorStatus);
  if (!status) return INVALID_ARGUMENT;
  if (status->version != (sizeof *status | 1 << 24)) return VERSION_MISMATCH;
  if (gpu.sramParity[0] == ABSENT_U64) return NOT_SUPPORTED;
  *status = (nvmlEccSramErrorStatus_t){
      .version = status->version,
      .aggregateUncParity = gpu.sramParity[1],
      .aggregateUncSecDed = gpu.eccAggregateUncorrected[SRAM] - gpu.sramParity[1],
      .aggregateCor = gpu.eccAggregateCorrected[SRAM],
      .volatileUncParity = gpu.sramParity[0],
      .volatileUncSecDed = gpu.eccVolatileUncorrected[SRAM] - gpu.sramParity[0],
      .volatileCor = gpu.eccVolatileCorrected[SRAM],
  };
  return OK;
}

static nvmlReturn_t give_pages(uint32_t pages, unsigned *count, unsigned long long *addresses[2]) {
  if (!count) return INVALID_ARGUMENT;
  if (pages == ABSENT_U32) return NOT_SUPPORTED;
  bool fits = *count >= pages && (pages == 0 || addresses[0]);
  *count = pages;
  if (!fits) return INSUFFICIENT_SIZE;
  for (unsigned at = 0; at < pages; at += 1) {
    addresses[0][at] = 0x10000ull * (at + 1);
    if (addresses[1]) addresses[1][at] = wall_us() / 1000000;
  }
  return OK;
}

/* Cause 0: several single-bit errors; 1: a double-bit error. */
nvmlReturn_t nvmlDeviceGetRetiredPages(nvmlDevice_t device, unsigned cause, unsigned *count,
                                       unsigned long long *addresses) {
  ON(GPUS_ONLY, nvmlDeviceGetRetiredPages);
  if (cause > 1) return INVALID_ARGUMENT;
  uint32_t pages = cause == 0 ? gpu.retiredSingleBit : gpu.retiredDoubleBit;
  return give_pages(pages, count, (unsigned long long *[]){addresses, 0});
}

nvmlReturn_t nvmlDeviceGetRetiredPages_v2(nvmlDevice_t device, unsigned cause, unsigned *count,
                                          unsigned long long *addresses, unsigned long long *times) {
  ON(GPUS_ONLY, nvmlDeviceGetRetiredPages_v2);
  if (cause > 1) return INVALID_ARGUMENT;
  uint32_t pages = cause == 0 ? gpu.retiredSingleBit : gpu.retiredDoubleBit;
  return give_pages(pages, count, (unsigned long long *[]){addresses, times});
}

nvmlReturn_t nvmlDeviceGetRetiredPagesPendingStatus(nvmlDevice_t device, unsigned *pending) {
  ON(GPUS_ONLY, nvmlDeviceGetRetiredPagesPendingStatus);
  return give_u32(gpu.retiredPending, pending);
}

nvmlReturn_t nvmlDeviceGetRemappedRows(nvmlDevice_t device, unsigned *corrected, unsigned *uncorrected, unsigned *pending,
                                       unsigned *failed) {
  ON(GPUS_ONLY, nvmlDeviceGetRemappedRows);
  if (!corrected || !uncorrected || !pending || !failed) return INVALID_ARGUMENT;
  if (gpu.remappedCorrected == ABSENT_U32) return NOT_SUPPORTED;
  *corrected = gpu.remappedCorrected;
  *uncorrected = gpu.remappedUncorrected;
  *pending = gpu.remappedPending;
  *failed = gpu.remappedFailed;
  return OK;
}

nvmlReturn_t nvmlDeviceGetRowRemapperHistogram(nvmlDevice_t device, nvmlRowRemapperHistogramValues_t *banks) {
  ON(GPUS_ONLY, nvmlDeviceGetRowRemapperHistogram);
  if (!banks) return INVALID_ARGUMENT;
  const uint32_t *known = gpu.remapperBanks;
  if (known[0] == ABSENT_U32) return NOT_SUPPORTED;
  *banks = (nvmlRowRemapperHistogramValues_t){known[0], known[1], known[2], known[3], known[4]};
  return OK;
}
