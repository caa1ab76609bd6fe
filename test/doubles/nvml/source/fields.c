// nvmlDeviceGetFieldValues: each field by NVML's number, each with its own return code. What is not listed is not supported.
#include "state.h"
#include <math.h>

struct answer {
  unsigned type;
  nvmlValue_t value;
  nvmlReturn_t code;
};
enum { ALL_LINKS = 0xffffffff };

static struct answer unsupported(void) { return (struct answer){.code = NOT_SUPPORTED}; }

static struct answer of_u32(uint32_t value) {
  if (value == ABSENT_U32) return unsupported();
  return (struct answer){IS_UINT, {.unsigned64 = value}, OK};
}

static struct answer of_i32(int32_t value) {
  if (value == ABSENT_I32) return unsupported();
  return (struct answer){IS_INT, {.signed64 = value}, OK};
}

static struct answer of_u64(uint64_t value) {
  if (value == ABSENT_U64) return unsupported();
  return (struct answer){IS_ULONGLONG, {.unsigned64 = value}, OK};
}

static struct answer of_count(const struct nvml_gpu *gpu, struct counter counter) {
  double count = count_now(gpu, counter);
  return isnan(count) ? unsupported() : of_u64((uint64_t)count);
}

static struct answer of_ecc(const struct nvml_gpu *gpu, unsigned field) {
  enum { L1, L2, DRAM, REGISTERS, TEXTURE, BUFFER, CBU, SRAM, TOTAL };
  static const int places[] = {L1, L2, DRAM, REGISTERS, TEXTURE};
  switch (field) {
  case 3: return of_u64(gpu->eccVolatileCorrected[TOTAL]);
  case 4: return of_u64(gpu->eccVolatileUncorrected[TOTAL]);
  case 5: return of_u64(gpu->eccAggregateCorrected[TOTAL]);
  case 6: return of_u64(gpu->eccAggregateUncorrected[TOTAL]);
  case 17: return of_u64(gpu->eccVolatileUncorrected[CBU]);
  case 28: return of_u64(gpu->eccAggregateUncorrected[CBU]);
  }
  bool aggregate = field >= 18;
  unsigned at = field - (aggregate ? 18 : 7);
  const uint64_t *corrected = aggregate ? gpu->eccAggregateCorrected : gpu->eccVolatileCorrected;
  const uint64_t *uncorrected = aggregate ? gpu->eccAggregateUncorrected : gpu->eccVolatileUncorrected;
  return of_u64((at % 2 == 0 ? corrected : uncorrected)[places[at / 2]]);
}

static unsigned links_of(const struct nvml_gpu *gpu) { return gpu->linkCount == ABSENT_U32 ? 0 : gpu->linkCount; }

/* As nvmlNvLinkErrorCounter_t numbers the kinds. */
enum error_kind { REPLAY, RECOVERY, CRC_FLIT, CRC_DATA, ECC_DATA };
static struct answer of_error(const struct nvml_gpu *gpu, enum error_kind kind, unsigned link) {
  if (links_of(gpu) == 0) return unsupported();
  if (link != ALL_LINKS) return link < links_of(gpu) ? of_u64(gpu->links[link].errors[kind]) : unsupported();
  if (gpu->links[0].errors[kind] == ABSENT_U64) return unsupported();
  uint64_t sum = 0;
  for (unsigned at = 0; at < links_of(gpu); at += 1)
    if (gpu->links[at].errors[kind] != ABSENT_U64) sum += gpu->links[at].errors[kind];
  return of_u64(sum);
}

/* Links 0 to 5 and their total are seven fields a kind, links 6 to 11 six more fields each. */
static struct answer of_numbered_error(const struct nvml_gpu *gpu, unsigned field) {
  static const enum error_kind kinds[] = {CRC_FLIT, CRC_DATA, REPLAY, RECOVERY};
  if (field >= 148) return of_error(gpu, ECC_DATA, field == 160 ? ALL_LINKS : field - 148);
  if (field >= 96) return of_error(gpu, kinds[(field - 96) / 6], 6 + (field - 96) % 6);
  unsigned link = (field - 32) % 7;
  return of_error(gpu, kinds[(field - 32) / 7], link == 6 ? ALL_LINKS : link);
}

static struct answer of_speed(const struct nvml_gpu *gpu, unsigned link) {
  if (link == ALL_LINKS) link = 0;
  return link < links_of(gpu) ? of_u32(gpu->links[link].speedMbps) : unsupported();
}

static struct answer of_data(const struct nvml_gpu *gpu, unsigned generation, bool sent, unsigned link) {
  if (gpu->linkFields != generation) return unsupported();
  unsigned first = link == ALL_LINKS ? 0 : link, end = link == ALL_LINKS ? links_of(gpu) : link + 1;
  if (end > links_of(gpu)) return unsupported();
  double sum = 0;
  for (unsigned at = first; at < end; at += 1)
    sum += count_now(gpu, sent ? gpu->links[at].txKib : gpu->links[at].rxKib);
  return isnan(sum) ? unsupported() : of_u64((uint64_t)sum * (generation == 2 ? 1024 : 1));
}

static struct answer of_packet_errors(const struct nvml_gpu *gpu, unsigned field, unsigned link) {
  if (gpu->linkFields != 2 || link >= links_of(gpu)) return unsupported();
  return of_u64(gpu->links[link].packetErrors[field - 206]);
}

static struct answer of_link(const struct nvml_gpu *gpu, unsigned field, unsigned link) {
  switch (field) {
  case 138: case 140: return of_data(gpu, 1, true, link);
  case 139: case 141: return of_data(gpu, 1, false, link);
  case 202: return of_data(gpu, 2, true, link);
  case 204: return of_data(gpu, 2, false, link);
  case 161: return of_error(gpu, REPLAY, link);
  case 162: return of_error(gpu, RECOVERY, link);
  case 163: return of_error(gpu, CRC_FLIT, link);
  case 164: return of_speed(gpu, link);
  case 165: return link < links_of(gpu) ? of_u32(gpu->links[link].active) : unsupported();
  case 166: return link < links_of(gpu) ? of_u32(gpu->linkVersion) : unsupported();
  default: return of_packet_errors(gpu, field, link);
  }
}

static struct answer of_pages(const struct nvml_gpu *gpu, unsigned field) {
  switch (field) {
  case 29: return of_u32(gpu->retiredSingleBit);
  case 30: return of_u32(gpu->retiredDoubleBit);
  case 31: return of_u32(gpu->retiredPending);
  case 142: return of_u32(gpu->remappedCorrected);
  case 143: return of_u32(gpu->remappedUncorrected);
  case 144: return of_u32(gpu->remappedPending);
  default: return of_u32(gpu->remappedFailed);
  }
}

static struct answer of_level(const struct nvml_gpu *gpu, unsigned field) {
  switch (field) {
  case 1: case 2: return of_u32(gpu->eccMode);
  case 82: return of_u32(gpu->memoryTemperature);
  case 83: return of_count(gpu, gpu->energyMj);
  case 90: return of_speed(gpu, ALL_LINKS);
  case 91: return of_u32(gpu->linkCount);
  case 94: return of_u32(gpu->pcieReplays);
  case 185: return of_u32(gpu->powerAverageMw);
  case 186: return of_u32(gpu->powerInstantMw);
  case 187: return of_u32(gpu->powerMinMw);
  case 188: return of_u32(gpu->powerMaxMw);
  case 189: return of_u32(gpu->powerDefaultMw);
  case 190: return of_u32(gpu->powerEnforcedMw);
  case 192: return of_u32(gpu->powerLimitMw);
  case 197: return gpu->pcieCounts == 1 ? of_count(gpu, gpu->pcieTxBytes) : unsupported();
  case 198: return gpu->pcieCounts == 1 ? of_count(gpu, gpu->pcieRxBytes) : unsupported();
  case 230: return of_u32(gpu->recoveryAction);
  default: return unsupported();
  }
}

static struct answer field_of(const struct nvml_gpu *gpu, unsigned field, unsigned scope) {
  switch (field) {
  case 3 ... 28: return of_ecc(gpu, field);
  case 29 ... 31: case 142 ... 145: return of_pages(gpu, field);
  case 32 ... 59: case 96 ... 119: case 148 ... 160: return of_numbered_error(gpu, field);
  case 74 ... 81: return of_count(gpu, gpu->policies[field - 74]);
  case 84 ... 89: return of_speed(gpu, field - 84);
  case 132 ... 137: return of_speed(gpu, field - 132 + 6);
  case 138 ... 141: case 161 ... 166: case 202: case 204: case 206 ... 215: return of_link(gpu, field, scope);
  case 173 ... 182: return of_u64(gpu->pcieErrors[field - 173]);
  case 193 ... 196: return of_i32(gpu->marginThresholds[field - 193]);
  case 269 ... 271: return of_count(gpu, gpu->slowdowns[field - 269]);
  default: return of_level(gpu, field);
  }
}

nvmlReturn_t nvmlDeviceGetFieldValues(nvmlDevice_t device, int count, nvmlFieldValue_t *values) {
  ON(GPUS_ONLY, nvmlDeviceGetFieldValues);
  if (count < 0 || !values) return INVALID_ARGUMENT;
  unsigned newest = read_header().newestField;
  for (int at = 0; at < count; at += 1) {
    nvmlFieldValue_t *value = &values[at];
    bool known = value->fieldId <= newest;
    struct answer answer = known ? field_of(&gpu, value->fieldId, value->scopeId) : unsupported();
    value->timestamp = wall_us();
    value->latencyUsec = 1;
    value->valueType = answer.type;
    value->nvmlReturn = answer.code;
    value->value = answer.value;
  }
  return OK;
}
