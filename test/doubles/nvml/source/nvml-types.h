// NVML's binary interface as callers see it: sizes and orders are facts of nvml.h (API 11 to 13), the words are ours.
#pragma once
#include <stdint.h>

typedef int nvmlReturn_t;
typedef struct handle *nvmlDevice_t;
typedef struct event_set *nvmlEventSet_t;
typedef struct gpm_sample *nvmlGpmSample_t;

enum {
  OK = 0,
  UNINITIALIZED = 1,
  INVALID_ARGUMENT = 2,
  NOT_SUPPORTED = 3,
  NOT_FOUND = 6,
  INSUFFICIENT_SIZE = 7,
  DRIVER_NOT_LOADED = 9,
  TIMEOUT = 10,
  GPU_IS_LOST = 15,
  OUT_OF_MEMORY = 20,
  NO_DATA = 21,
  VERSION_MISMATCH = 25,
};

typedef union {
  double real;
  unsigned unsigned32;
  unsigned long unsigned_long;
  unsigned long long unsigned64;
  long long signed64;
  int signed32;
} nvmlValue_t;
enum { IS_DOUBLE = 0, IS_UINT = 1, IS_ULONG = 2, IS_ULONGLONG = 3, IS_LONGLONG = 4, IS_INT = 5 };

typedef struct {
  char busIdLegacy[16];
  unsigned domain, bus, device, pciDeviceId, pciSubSystemId;
  char busId[32];
} nvmlPciInfo_t;

typedef struct {
  char busId[16];
  unsigned domain, bus, device, pciDeviceId, pciSubSystemId;
  unsigned reserved[4];
} nvmlPciInfo_v2_t;

typedef struct {
  unsigned gpu, memory;
} nvmlUtilization_t;

typedef struct {
  unsigned long long total, free, used;
} nvmlMemory_t;

typedef struct {
  unsigned version;
  unsigned long long total, reserved, free, used;
} nvmlMemory_v2_t;

typedef struct {
  unsigned long long total, free, used;
} nvmlBAR1Memory_t;

typedef struct {
  unsigned pid;
  unsigned long long usedGpuMemory;
} nvmlProcessInfo_v1_t;

typedef struct {
  unsigned pid;
  unsigned long long usedGpuMemory;
  unsigned gpuInstanceId, computeInstanceId;
} nvmlProcessInfo_v2_t;

typedef struct {
  unsigned pid;
  unsigned long long timeStamp;
  unsigned smUtil, memUtil, encUtil, decUtil;
} nvmlProcessUtilizationSample_t;

typedef struct {
  unsigned multiprocessorCount, sharedCopyEngineCount, sharedDecoderCount, sharedEncoderCount;
  unsigned sharedJpegCount, sharedOfaCount, gpuInstanceSliceCount, computeInstanceSliceCount;
  unsigned long long memorySizeMB;
} nvmlDeviceAttributes_t;

typedef struct {
  unsigned version;
  unsigned long long aggregateUncParity, aggregateUncSecDed, aggregateCor;
  unsigned long long volatileUncParity, volatileUncSecDed, volatileCor;
  unsigned long long bucketL2, bucketSm, bucketPcie, bucketMcu, bucketOther;
  unsigned bThresholdExceeded;
} nvmlEccSramErrorStatus_t;

typedef struct {
  unsigned max, high, partial, low, none;
} nvmlRowRemapperHistogramValues_t;

typedef struct {
  unsigned long long timeStamp;
  nvmlValue_t sampleValue;
} nvmlSample_t;

typedef struct {
  unsigned long long referenceTime, violationTime;
} nvmlViolationTime_t;

typedef struct {
  unsigned fieldId, scopeId;
  long long timestamp, latencyUsec;
  unsigned valueType;
  nvmlReturn_t nvmlReturn;
  nvmlValue_t value;
} nvmlFieldValue_t;

typedef struct {
  unsigned version, sensorType;
  int temperature;
} nvmlTemperature_v1_t;

typedef struct {
  unsigned version;
  int marginTemperature;
} nvmlMarginTemperature_v1_t;

typedef struct {
  nvmlDevice_t device;
  unsigned long long eventType, eventData;
  unsigned gpuInstanceId, computeInstanceId;
} nvmlEventData_t;

typedef struct {
  unsigned char clusterUuid[16];
  nvmlReturn_t status;
  unsigned cliqueId;
  unsigned char state;
} nvmlGpuFabricInfo_t;

/* Version 2 ends before the summary. */
typedef struct {
  unsigned version;
  unsigned char clusterUuid[16];
  nvmlReturn_t status;
  unsigned cliqueId;
  unsigned char state;
  unsigned healthMask;
  unsigned char healthSummary;
} nvmlGpuFabricInfo_v3_t;

typedef struct {
  unsigned metricId;
  nvmlReturn_t nvmlReturn;
  double value;
  struct {
    const char *shortName, *longName, *unit;
  } metricInfo;
} nvmlGpmMetric_t;

/* How many metrics follow differs between header versions: 98, 210, 333. */
typedef struct {
  unsigned version, numMetrics;
  nvmlGpmSample_t sample1, sample2;
  nvmlGpmMetric_t metrics[];
} nvmlGpmMetricsGet_t;

typedef struct {
  unsigned version, isSupportedDevice;
} nvmlGpmSupport_t;

#define SIZE_IS(type, bytes) _Static_assert(sizeof(type) == (bytes), #type)
SIZE_IS(nvmlValue_t, 8);
SIZE_IS(nvmlPciInfo_t, 68);
SIZE_IS(nvmlPciInfo_v2_t, 52);
SIZE_IS(nvmlUtilization_t, 8);
SIZE_IS(nvmlMemory_t, 24);
SIZE_IS(nvmlMemory_v2_t, 40);
SIZE_IS(nvmlBAR1Memory_t, 24);
SIZE_IS(nvmlProcessInfo_v1_t, 16);
SIZE_IS(nvmlProcessInfo_v2_t, 24);
SIZE_IS(nvmlProcessUtilizationSample_t, 32);
SIZE_IS(nvmlDeviceAttributes_t, 40);
SIZE_IS(nvmlEccSramErrorStatus_t, 104);
SIZE_IS(nvmlRowRemapperHistogramValues_t, 20);
SIZE_IS(nvmlSample_t, 16);
SIZE_IS(nvmlViolationTime_t, 16);
SIZE_IS(nvmlFieldValue_t, 40);
SIZE_IS(nvmlTemperature_v1_t, 12);
SIZE_IS(nvmlMarginTemperature_v1_t, 8);
SIZE_IS(nvmlEventData_t, 32);
SIZE_IS(nvmlGpuFabricInfo_t, 28);
SIZE_IS(nvmlGpuFabricInfo_v3_t, 40);
SIZE_IS(nvmlGpmMetric_t, 40);
SIZE_IS(nvmlGpmMetricsGet_t, 24);
SIZE_IS(nvmlGpmSupport_t, 8);
