// The mapped state file, read under its sequence lock; injected faults; time. The file's place is beside the library.
#define _GNU_SOURCE
#include "state.h"
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static struct nvml_state *state;
static int uses;
/* Every GPU and every instance of each, twice over. */
static struct handle handles[256];
static unsigned handle_count;
static pthread_mutex_t handles_lock = PTHREAD_MUTEX_INITIALIZER;

static void state_path(char *path, size_t size) {
  const char *given = getenv("WHYIDLE_NVML_STATE");
  Dl_info own;
  char library[4096] = "";
  if (dladdr((void *)state_path, &own)) snprintf(library, sizeof library, "%s", own.dli_fname);
  if (given) snprintf(path, size, "%s", given);
  else snprintf(path, size, "%s/nvml-state", dirname(library));
}

static struct nvml_state *mapped(void) {
  struct nvml_state *known = __atomic_load_n(&state, __ATOMIC_ACQUIRE);
  if (known) return known;
  char path[4096];
  struct stat about;
  state_path(path, sizeof path);
  int file = open(path, O_RDWR | O_CLOEXEC);
  if (file < 0) return NULL;
  bool whole = fstat(file, &about) == 0 && about.st_size == sizeof(struct nvml_state);
  void *at = whole ? mmap(NULL, sizeof(struct nvml_state), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0) : MAP_FAILED;
  close(file);
  if (at == MAP_FAILED) return NULL;
  known = at;
  if (known->header.magic != LAYOUT_MAGIC || known->header.version != LAYOUT_VERSION) return NULL;
  __atomic_store_n(&state, known, __ATOMIC_RELEASE);
  return known;
}

/* A writer that died halfway leaves an odd number: readers do not wait for it for ever. */
static void read_locked(void *copy, const void *from, size_t size) {
  for (int attempt = 0; attempt < 1000; attempt += 1) {
    uint32_t before = __atomic_load_n(&state->header.sequence, __ATOMIC_ACQUIRE);
    memcpy(copy, from, size);
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    if (before % 2 == 0 && __atomic_load_n(&state->header.sequence, __ATOMIC_RELAXED) == before) return;
    sleep_ms(1);
  }
}

struct nvml_header read_header(void) {
  struct nvml_header header;
  read_locked(&header, &state->header, sizeof header);
  return header;
}

bool read_gpu_at(int slot, struct nvml_gpu *gpu) {
  if (slot < 0 || slot >= (int)read_header().gpuCount) return false;
  read_locked(gpu, &state->gpus[slot], sizeof *gpu);
  return true;
}

bool read_gpu(struct handle *handle, struct nvml_gpu *gpu) {
  if (read_gpu_at(handle->slot, gpu) && strcmp(gpu->uuid, handle->uuid) == 0) return true;
  for (int slot = 0; read_gpu_at(slot, gpu); slot += 1) {
    if (strcmp(gpu->uuid, handle->uuid) != 0) continue;
    handle->slot = slot;
    return true;
  }
  return false;
}

bool read_event(unsigned sequence, struct nvml_event *event) {
  read_locked(event, &state->events[(sequence - 1) % COUNT_OF(state->events)], sizeof *event);
  return event->sequence == sequence;
}

static nvmlReturn_t meet_fault(const struct nvml_fault *fault, int place) {
  if (fault->crashes[place] == 1) abort();
  if (fault->crashes[place] == 2) *(volatile int *)0 = 0;
  /* A call that hangs ends when the fault is taken away. */
  while (__atomic_load_n(&fault->delaysMs[place], __ATOMIC_RELAXED) < 0) sleep_ms(10);
  if (fault->delaysMs[place] > 0) sleep_ms(fault->delaysMs[place]);
  return fault->returns[place];
}

static nvmlReturn_t meet_faults(enum function function, int gpu) {
  struct nvml_state *at = mapped();
  if (!at) return OK;
  __atomic_add_fetch(&at->calls[function], 1, __ATOMIC_RELAXED);
  nvmlReturn_t answer = meet_fault(&at->faults[function], 0);
  if (answer == OK && gpu >= 0 && gpu < MAX_GPUS) answer = meet_fault(&at->faults[function], gpu + 1);
  return answer;
}

bool is_initialised(void) { return __atomic_load_n(&uses, __ATOMIC_ACQUIRE) > 0; }

nvmlReturn_t enter(enum function function, int gpu) {
  nvmlReturn_t answer = meet_faults(function, gpu);
  if (answer != OK) return answer;
  return is_initialised() ? OK : UNINITIALIZED;
}

nvmlReturn_t begin_use(enum function function) {
  nvmlReturn_t answer = meet_faults(function, WHOLE);
  if (answer != OK) return answer;
  if (!mapped()) return DRIVER_NOT_LOADED;
  struct nvml_header header = read_header();
  if (header.initReturn != OK) return header.initReturn;
  __atomic_add_fetch(&uses, 1, __ATOMIC_ACQ_REL);
  return OK;
}

nvmlReturn_t end_use(void) {
  if (!is_initialised()) return UNINITIALIZED;
  __atomic_sub_fetch(&uses, 1, __ATOMIC_ACQ_REL);
  return OK;
}

static bool is_handle(const struct handle *device) {
  return device >= handles && device < handles + COUNT_OF(handles) && device->uuid[0] != 0;
}

static bool is_accepted(const struct handle *device, enum accepts accepts) {
  if (accepts == INSTANCES_TOO) return true;
  return (device->instance == WHOLE) == (accepts == GPUS_ONLY);
}

nvmlReturn_t enter_device(enum function function, nvmlDevice_t device, enum accepts accepts, struct nvml_gpu *gpu) {
  bool known = is_handle(device);
  nvmlReturn_t answer = enter(function, known ? device->slot : WHOLE);
  if (answer != OK) return answer;
  if (!known) return INVALID_ARGUMENT;
  if (!read_gpu(device, gpu)) return GPU_IS_LOST;
  if (gpu->loss != ABSENT_U32) return gpu->loss;
  if (is_accepted(device, accepts)) return OK;
  return accepts == GPUS_ONLY ? NOT_SUPPORTED : INVALID_ARGUMENT;
}

static struct handle *known_handle(const char *uuid, int instance) {
  for (unsigned at = 0; at < handle_count; at += 1)
    if (strcmp(handles[at].uuid, uuid) == 0 && handles[at].instance == instance) return &handles[at];
  return NULL;
}

/* The same GPU has the same handle always. */
struct handle *handle_of(int slot, const char *uuid, int instance) {
  pthread_mutex_lock(&handles_lock);
  struct handle *handle = known_handle(uuid, instance);
  if (!handle && handle_count < COUNT_OF(handles)) {
    handle = &handles[handle_count];
    *handle = (struct handle){.slot = slot, .instance = instance};
    snprintf(handle->uuid, sizeof handle->uuid, "%s", uuid);
    handle_count += 1;
  }
  pthread_mutex_unlock(&handles_lock);
  return handle;
}

static uint64_t clock_ns(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return (uint64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

uint64_t now_ns(void) {
  uint64_t frozen = read_header().frozenNs;
  return frozen ? frozen : clock_ns(CLOCK_MONOTONIC);
}

uint64_t wall_us(void) {
  struct nvml_header header = read_header();
  return header.wallUs + ((int64_t)(now_ns() - header.monotonicNs)) / 1000;
}

void sleep_ms(unsigned ms) {
  struct timespec left = {ms / 1000, (ms % 1000) * 1000000L};
  while (nanosleep(&left, &left) != 0 && errno == EINTR)
    ;
}

double count_now(const struct nvml_gpu *gpu, struct counter counter) {
  double seconds = ((double)now_ns() - (double)gpu->countersNs) / 1e9;
  return floor(counter.from + counter.perSecond * (seconds > 0 ? seconds : 0));
}

nvmlReturn_t give_u32(uint32_t value, unsigned *out) {
  if (!out) return INVALID_ARGUMENT;
  if (value == ABSENT_U32) return NOT_SUPPORTED;
  *out = value;
  return OK;
}

nvmlReturn_t give_u64(uint64_t value, unsigned long long *out) {
  if (!out) return INVALID_ARGUMENT;
  if (value == ABSENT_U64) return NOT_SUPPORTED;
  *out = value;
  return OK;
}

nvmlReturn_t give_count(double value, unsigned long long *out) {
  return give_u64(isnan(value) ? ABSENT_U64 : (uint64_t)value, out);
}

nvmlReturn_t give_text(const char *value, char *out, unsigned length) {
  if (!out) return INVALID_ARGUMENT;
  if (value[0] == 0) return NOT_SUPPORTED;
  if (strlen(value) >= length) return INSUFFICIENT_SIZE;
  strcpy(out, value);
  return OK;
}
