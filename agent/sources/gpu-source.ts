// What a way of reading GPUs looks like to the collector. Nothing here waits: the collector calls `keepRunning` on every tick.
import type { AbsenceReason } from '#agent/contract';
import type { GpuSheet } from '../parse/gpu/sheet.ts';

/** All GPUs at one moment. */
export interface GpuReport {
  readonly sheets: readonly GpuSheet[];
  /** Monotonic time it came. */
  readonly atMs: number;
}

export type SourceState =
  | { readonly kind: 'starting' }
  /** The newest report, not older than the source's limit of silence. */
  | { readonly kind: 'delivering'; readonly report: GpuReport }
  | { readonly kind: 'failed'; readonly reason: AbsenceReason; readonly message: string }
  /** Its child was killed and lives on: the driver hangs. Nobody else may ask the driver meanwhile. */
  | { readonly kind: 'stuck'; readonly pid: number };

/** The first three can carry a node alone, in this order of preference; the others add to them. */
export type SourceName = 'nvml' | 'nvidia_smi' | 'dcgm_exporter' | 'dcgmi' | 'nvidia_smi_details';

export interface GpuSource {
  readonly name: SourceName;
  readonly state: SourceState;
  /** Starts what is due, ends what has fallen silent. Returns at once. */
  keepRunning(): void;
  /** Resolves with the first report or failure, at the latest after the given time. */
  settle(timeoutMs: number): Promise<void>;
  /** Ends the child and forgets its readings; `keepRunning` begins again, its back-off kept. */
  pause(): void;
  stop(): void;
}
