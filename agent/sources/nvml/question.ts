// One GPU behind its handle, and the questions put to it. What a GPU does not support it is not asked twice;
// one that is lost is asked nothing more.
import type { AbsenceReason } from '#agent/contract';
import type { NvmlLibrary } from './library.ts';
import { absenceOf, isDriverGone, isLoss, SUCCESS } from './return-codes.ts';

export class Device {
  readonly nvml: NvmlLibrary;
  readonly handle: bigint;
  /** The code by which it was lost. */
  loss: number | undefined;
  /** Answers since the last look at them. */
  answers = 0;
  /** The last code that said the driver is gone. */
  driverGone: number | undefined;

  constructor(nvml: NvmlLibrary, handle: bigint) {
    this.nvml = nvml;
    this.handle = handle;
  }

  /** Remembers what a code says of the whole GPU. */
  note(code: number): number {
    if (code === SUCCESS) this.answers++;
    else if (isLoss(code)) this.loss = code;
    else if (isDriverGone(code)) this.driverGone = code;
    return code;
  }

  /** Calls once, as for what is read at discovery only. */
  try(call: () => number): boolean {
    return this.loss === undefined && this.note(call()) === SUCCESS;
  }
}

export class Question {
  readonly #device: Device;
  readonly #call: () => number;
  /** Not supported: not asked again as long as the question lives. */
  refused = false;

  constructor(device: Device, call: () => number) {
    this.#device = device;
    this.#call = call;
  }

  /** undefined when it was answered, else why it was not. */
  ask(): AbsenceReason | undefined {
    if (this.#device.loss !== undefined) return 'not_present';
    if (this.refused) return 'unsupported';
    const code = this.#device.note(this.#call());
    if (code === SUCCESS) return undefined;
    const reason = absenceOf(code);
    this.refused = reason === 'unsupported';
    return reason;
  }
}
