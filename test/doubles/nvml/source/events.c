// Waiting for Xids and other events, each event set with its own place in the state file's ring.
#include "state.h"
#include <stdlib.h>
#include <string.h>

struct event_set {
  unsigned seen;
  unsigned registered;
  struct {
    struct handle *device;
    unsigned long long types;
  } registrations[MAX_GPUS];
};
enum { SUPPORTED_TYPES = 0x1f, POLL_MS = 5 };

nvmlReturn_t nvmlDeviceGetSupportedEventTypes(nvmlDevice_t device, unsigned long long *types) {
  ON(GPUS_ONLY, nvmlDeviceGetSupportedEventTypes);
  return give_u64(SUPPORTED_TYPES, types);
}

nvmlReturn_t nvmlEventSetCreate(nvmlEventSet_t *set) {
  ENTER(nvmlEventSetCreate);
  if (!set) return INVALID_ARGUMENT;
  *set = calloc(1, sizeof **set);
  if (!*set) return OUT_OF_MEMORY;
  (*set)->seen = read_header().eventCount;
  return OK;
}

nvmlReturn_t nvmlEventSetFree(nvmlEventSet_t set) {
  ENTER(nvmlEventSetFree);
  if (!set) return INVALID_ARGUMENT;
  free(set);
  return OK;
}

nvmlReturn_t nvmlDeviceRegisterEvents(nvmlDevice_t device, unsigned long long types, nvmlEventSet_t set) {
  ON(GPUS_ONLY, nvmlDeviceRegisterEvents);
  if (!set || set->registered == COUNT_OF(set->registrations)) return INVALID_ARGUMENT;
  if (types & ~SUPPORTED_TYPES) return NOT_SUPPORTED;
  set->registrations[set->registered].device = device;
  set->registrations[set->registered].types = types;
  set->registered += 1;
  return OK;
}

static struct handle *wanted_by(nvmlEventSet_t set, const struct nvml_event *event) {
  for (unsigned at = 0; at < set->registered; at += 1)
    if ((set->registrations[at].types & event->type) && strcmp(set->registrations[at].device->uuid, event->uuid) == 0)
      return set->registrations[at].device;
  return NULL;
}

static bool next_event(nvmlEventSet_t set, nvmlEventData_t *data) {
  while (set->seen < read_header().eventCount) {
    struct nvml_event event;
    set->seen += 1;
    if (!read_event(set->seen, &event)) continue;
    struct handle *device = wanted_by(set, &event);
    if (!device) continue;
    data->device = device;
    data->eventType = event.type;
    data->eventData = event.data;
    return true;
  }
  return false;
}

static bool any_lost(nvmlEventSet_t set) {
  struct nvml_gpu gpu;
  for (unsigned at = 0; at < set->registered; at += 1)
    if (!read_gpu(set->registrations[at].device, &gpu) || gpu.loss == GPU_IS_LOST) return true;
  return false;
}

/* As documented, a lost GPU ends the waiting at once, but what had happened before is told first. */
static nvmlReturn_t wait_for(nvmlEventSet_t set, nvmlEventData_t *data, unsigned timeout_ms) {
  if (!set || !data) return INVALID_ARGUMENT;
  for (unsigned waited = 0;; waited += POLL_MS) {
    if (next_event(set, data)) return OK;
    if (any_lost(set)) return GPU_IS_LOST;
    if (waited >= timeout_ms) return TIMEOUT;
    sleep_ms(POLL_MS);
  }
}

/* The first version knows nothing of instances. */
nvmlReturn_t nvmlEventSetWait(nvmlEventSet_t set, nvmlEventData_t *data, unsigned timeout_ms) {
  ENTER(nvmlEventSetWait);
  return wait_for(set, data, timeout_ms);
}

nvmlReturn_t nvmlEventSetWait_v2(nvmlEventSet_t set, nvmlEventData_t *data, unsigned timeout_ms) {
  ENTER(nvmlEventSetWait_v2);
  nvmlReturn_t answer = wait_for(set, data, timeout_ms);
  if (answer == OK) data->gpuInstanceId = data->computeInstanceId = ~0u;
  return answer;
}
