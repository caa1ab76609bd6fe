// The clock domains of a GPU. Authority: nvml.h, nvmlClockType_t.
export const CLOCK_DOMAINS = [
  { domain: 'graphics', selector: 0 },
  { domain: 'sm', selector: 1 },
  { domain: 'memory', selector: 2 },
  { domain: 'video', selector: 3 },
] as const;
