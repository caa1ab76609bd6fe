// GPM: two samples hold integrals, a metric is their difference over the time between.
#include "state.h"
#include <math.h>
#include <stdlib.h>

enum { LINK_METRICS = 2 * MAX_LINKS };
struct gpm_sample {
  uint64_t ns;
  double percent[MAX_GPM];
  double pcie[2];
  /* Receive and send, link by link. */
  double links[LINK_METRICS];
};

nvmlReturn_t nvmlGpmQueryDeviceSupport(nvmlDevice_t device, nvmlGpmSupport_t *support) {
  ON(GPUS_ONLY, nvmlGpmQueryDeviceSupport);
  if (!support) return INVALID_ARGUMENT;
  if (support->version != 1) return VERSION_MISMATCH;
  support->isSupportedDevice = gpu.architecture != ABSENT_U32 && gpu.architecture >= 9;
  return OK;
}

nvmlReturn_t nvmlGpmSampleAlloc(nvmlGpmSample_t *sample) {
  ENTER(nvmlGpmSampleAlloc);
  if (!sample) return INVALID_ARGUMENT;
  *sample = calloc(1, sizeof **sample);
  return *sample ? OK : OUT_OF_MEMORY;
}

nvmlReturn_t nvmlGpmSampleFree(nvmlGpmSample_t sample) {
  ENTER(nvmlGpmSampleFree);
  if (!sample) return INVALID_ARGUMENT;
  free(sample);
  return OK;
}

static double exact(const struct nvml_gpu *gpu, struct counter counter, uint64_t ns) {
  return counter.from + counter.perSecond * (((double)ns - (double)gpu->countersNs) / 1e9);
}

static nvmlReturn_t take(const struct nvml_gpu *gpu, const struct counter *percent, nvmlGpmSample_t sample) {
  if (!sample) return INVALID_ARGUMENT;
  if (gpu->architecture == ABSENT_U32 || gpu->architecture < 9) return NOT_SUPPORTED;
  uint64_t ns = sample->ns = now_ns();
  for (unsigned at = 0; at < MAX_GPM; at += 1) sample->percent[at] = exact(gpu, percent[at], ns);
  sample->pcie[0] = exact(gpu, gpu->pcieTxBytes, ns);
  sample->pcie[1] = exact(gpu, gpu->pcieRxBytes, ns);
  for (unsigned at = 0; at < LINK_METRICS; at += 1)
    sample->links[at] = exact(gpu, at % 2 == 0 ? gpu->links[at / 2].rxKib : gpu->links[at / 2].txKib, ns);
  return OK;
}

nvmlReturn_t nvmlGpmSampleGet(nvmlDevice_t device, nvmlGpmSample_t sample) {
  ON(GPUS_ONLY, nvmlGpmSampleGet);
  return take(&gpu, gpu.gpm, sample);
}

nvmlReturn_t nvmlGpmMigSampleGet(nvmlDevice_t device, unsigned gi, nvmlGpmSample_t sample) {
  ON(GPUS_ONLY, nvmlGpmMigSampleGet);
  for (unsigned at = 0; at < COUNT_OF(gpu.instances); at += 1)
    if (gpu.instances[at].gi == gi && gi != ABSENT_U32) return take(&gpu, gpu.instances[at].gpm, sample);
  return INVALID_ARGUMENT;
}

static double all_links(const struct gpm_sample *sample, unsigned direction) {
  double sum = 0;
  for (unsigned at = direction; at < LINK_METRICS; at += 2)
    if (!isnan(sample->links[at])) sum += sample->links[at];
  return sum;
}

/* Percent times seconds, or MiB. */
static double integral(const struct gpm_sample *sample, unsigned metric) {
  if (metric >= 1 && metric < MAX_GPM) return sample->percent[metric];
  if (metric == 20 || metric == 21) return sample->pcie[metric - 20] / 1048576;
  if (metric == 60 || metric == 61) return all_links(sample, metric - 60) / 1024;
  if (metric >= 62 && metric < 62 + LINK_METRICS) return sample->links[metric - 62] / 1024;
  return NAN;
}

nvmlReturn_t nvmlGpmMetricsGet(nvmlGpmMetricsGet_t *wanted) {
  ENTER(nvmlGpmMetricsGet);
  if (!wanted || !wanted->sample1 || !wanted->sample2) return INVALID_ARGUMENT;
  if (wanted->version != 1) return VERSION_MISMATCH;
  double seconds = ((double)wanted->sample2->ns - (double)wanted->sample1->ns) / 1e9;
  for (unsigned at = 0; at < wanted->numMetrics; at += 1) {
    nvmlGpmMetric_t *metric = &wanted->metrics[at];
    double difference = integral(wanted->sample2, metric->metricId) - integral(wanted->sample1, metric->metricId);
    metric->nvmlReturn = isnan(difference) ? NOT_SUPPORTED : seconds > 0 ? OK : NO_DATA;
    metric->value = metric->nvmlReturn == OK ? difference / seconds : 0;
    metric->metricInfo.shortName = metric->metricInfo.longName = metric->metricInfo.unit = "";
  }
  return OK;
}
