// What NVML's return codes mean to a reading. Authority: nvml.h, nvmlReturn_t.
import type { AbsenceReason } from '#agent/contract';

export const SUCCESS = 0;
export const UNINITIALIZED = 1;
export const NOT_SUPPORTED = 3;
export const NOT_FOUND = 6;
export const INSUFFICIENT_SIZE = 7;
export const DRIVER_NOT_LOADED = 9;
export const TIMEOUT = 10;
export const FUNCTION_NOT_FOUND = 13;
export const GPU_IS_LOST = 15;
export const RESET_REQUIRED = 16;
export const LIB_RM_VERSION_MISMATCH = 18;
export const GPU_NOT_FOUND = 28;

/** The GPU gives no readings at all until it is reset or found again. */
export function isLoss(code: number): boolean {
  return code === GPU_IS_LOST || code === RESET_REQUIRED;
}

/** The driver under the library is gone or was replaced: no GPU can be read by this process any more. */
export function isDriverGone(code: number): boolean {
  return code === UNINITIALIZED || code === DRIVER_NOT_LOADED || code === LIB_RM_VERSION_MISMATCH;
}

/** Why there is no reading. What is `unsupported` need not be asked again soon. */
export function absenceOf(code: number): AbsenceReason {
  switch (code) {
    case NOT_SUPPORTED:
    case FUNCTION_NOT_FOUND:
    case 22: // VGPU_ECC_NOT_SUPPORTED
    case 25: // ARGUMENT_VERSION_MISMATCH
    case 26: // DEPRECATED
      return 'unsupported';
    case 4: // NO_PERMISSION
      return 'forbidden';
    case TIMEOUT:
      return 'timed_out';
    case NOT_FOUND:
    case DRIVER_NOT_LOADED:
    case 12: // LIBRARY_NOT_FOUND
    case GPU_IS_LOST:
    case RESET_REQUIRED:
    case 21: // NO_DATA
    case GPU_NOT_FOUND:
      return 'not_present';
    default:
      return 'malformed';
  }
}

const names = new Map([
  [UNINITIALIZED, 'UNINITIALIZED'],
  [NOT_SUPPORTED, 'NOT_SUPPORTED'],
  [4, 'NO_PERMISSION'],
  [DRIVER_NOT_LOADED, 'DRIVER_NOT_LOADED'],
  [TIMEOUT, 'TIMEOUT'],
  [12, 'LIBRARY_NOT_FOUND'],
  [FUNCTION_NOT_FOUND, 'FUNCTION_NOT_FOUND'],
  [GPU_IS_LOST, 'GPU_IS_LOST'],
  [RESET_REQUIRED, 'RESET_REQUIRED'],
  [LIB_RM_VERSION_MISMATCH, 'LIB_RM_VERSION_MISMATCH'],
  [GPU_NOT_FOUND, 'GPU_NOT_FOUND'],
]);

export function nameOfCode(code: number): string {
  return names.get(code) ?? `code ${code}`;
}
