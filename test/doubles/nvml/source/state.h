// What every function of the double begins with: counting the call, injected faults, and the GPU's record.
#pragma once
#include "nvml-types.h"
#include "nvml_layout.h"
#include <stdbool.h>

struct handle {
  char uuid[80];
  /* Where the record was found last; a shorter list moves it. */
  int slot;
  /* The place among the GPU's instances, or WHOLE. */
  int instance;
};
enum { WHOLE = -1 };

enum accepts { GPUS_ONLY, INSTANCES_TOO, INSTANCES_ONLY };

/* 0, or what the function must return at once. */
nvmlReturn_t enter(enum function function, int gpu);
nvmlReturn_t enter_device(enum function function, nvmlDevice_t device, enum accepts accepts, struct nvml_gpu *gpu);
#define ENTER(name)                                                                                                   \
  do {                                                                                                                 \
    nvmlReturn_t failed = enter(FN_##name, WHOLE);                                                                     \
    if (failed != OK) return failed;                                                                                   \
  } while (0)
#define ON(accepts, name)                                                                                              \
  struct nvml_gpu gpu;                                                                                                 \
  do {                                                                                                                 \
    nvmlReturn_t failed = enter_device(FN_##name, device, accepts, &gpu);                                              \
    if (failed != OK) return failed;                                                                                   \
  } while (0)

bool is_initialised(void);
nvmlReturn_t begin_use(enum function function);
nvmlReturn_t end_use(void);

struct nvml_header read_header(void);
/* False where there is none of this uuid. */
bool read_gpu(struct handle *handle, struct nvml_gpu *gpu);
bool read_gpu_at(int slot, struct nvml_gpu *gpu);
bool read_event(unsigned sequence, struct nvml_event *event);

struct handle *handle_of(int slot, const char *uuid, int instance);

uint64_t now_ns(void);
uint64_t wall_us(void);
void sleep_ms(unsigned ms);

/* NaN where the record has none. */
double count_now(const struct nvml_gpu *gpu, struct counter counter);

nvmlReturn_t give_u32(uint32_t value, unsigned *out);
nvmlReturn_t give_u64(uint64_t value, unsigned long long *out);
nvmlReturn_t give_text(const char *value, char *out, unsigned length);
nvmlReturn_t give_count(double value, unsigned long long *out);
#define COUNT_OF(values) (sizeof(values) / sizeof((values)[0]))
#define ELEMENT(values, index) ((index) < COUNT_OF(values) ? (values)[index] : ABSENT_U32)
