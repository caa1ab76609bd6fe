// Why a GPU gives no readings although its node delivers. Pure. A fault is only what is demonstrated: a driver that does not
// answer in time, or a GPU that the driver has lost; everything else was merely not seen.
import type { AbsenceReason } from '#agent/contract';
import type { OutageKind } from '#server/contract';

/** What the newest frame says of one GPU and of its reader; NaN where it says nothing. */
export interface GpuVitals {
  readonly readerUp: number;
  readonly readerStuck: number;
  /** Who reads the node's GPUs, as `gpu_reader_info` names it; empty where nobody has yet. */
  readonly backend: string;
  readonly up: number;
  /** Why its vital readings are absent; undefined while one of them is there. */
  readonly reason: AbsenceReason | undefined;
}

export interface FoundOutage {
  readonly kind: OutageKind;
  readonly reason: AbsenceReason;
}

export function findOutage(vitals: GpuVitals): FoundOutage | undefined {
  const { readerUp, up, reason } = vitals;
  if (driverHangs(vitals)) return { kind: 'driver_hangs', reason: 'timed_out' };
  if (up === 0 && reason === 'not_present') return { kind: 'gpu_lost', reason };
  if (up === 0 || readerUp === 0) return { kind: 'not_read', reason: reason ?? 'not_present' };
  // Under MIG the GPU as a whole has no utilisation, and answers.
  return reason === undefined || reason === 'unsupported' ? undefined : { kind: 'not_read', reason };
}

/** The same for the reader of a node that shows no GPU at all; `reason` is why its area is missing. */
export function findReaderOutage(vitals: Omit<GpuVitals, 'up'>): FoundOutage | undefined {
  if (driverHangs(vitals)) return { kind: 'driver_hangs', reason: 'timed_out' };
  if (vitals.readerUp !== 0) return undefined;
  return { kind: 'not_read', reason: vitals.reason ?? 'not_present' };
}

/** A dcgm-exporter that does not answer says nothing of the driver. */
function driverHangs({ readerUp, readerStuck, backend, reason }: Omit<GpuVitals, 'up'>): boolean {
  return readerStuck === 1 || (readerUp === 0 && reason === 'timed_out' && backend !== 'dcgm_exporter');
}

export function isFault(kind: OutageKind): boolean {
  return kind !== 'not_read';
}

/** As people read it; whoever shows it adds since when. */
export function outageText({ kind, reason }: FoundOutage): string {
  switch (kind) {
    case 'driver_hangs':
      return 'GPU driver not answering';
    case 'gpu_lost':
      return 'GPU lost: the driver no longer reaches it';
    case 'not_read':
      return notReadText(reason);
  }
}

function notReadText(reason: AbsenceReason): string {
  switch (reason) {
    case 'timed_out':
      return 'GPU does not answer in time';
    case 'forbidden':
      return 'the agent may not read the GPU';
    case 'not_present':
      return 'no driver or tool to read the GPU with';
    case 'unsupported':
      return 'the GPU does not offer its readings';
    case 'malformed':
    case 'saturated':
      return 'the answer for the GPU cannot be read';
  }
}
