// The kernel's monotonic clock: the same in every process of the machine. clock_gettime(2), CLOCK_MONOTONIC.

export function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000;
}
