// What one way to read the kernel log looks like. Nothing here waits.
import type { AbsenceReason } from '#agent/contract';
import type { KernelRecord } from '../../parse/gpu/kernel-log.ts';

/** A record with whether it had been in the log before we began to read. */
export type LoggedRecord = KernelRecord & { readonly isHistory: boolean };

export interface KernelLogReader {
  readonly from: 'kmsg' | 'journal';
  /** What has come since the last time; the reason why nothing will come any more. */
  read(): readonly LoggedRecord[] | AbsenceReason;
  stop(): void;
}
