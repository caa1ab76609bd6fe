// What the reader's child process prints, one JSON value a line. Both ends know it from here.
import type { AbsenceReason } from '#agent/contract';
import type { GpuFacts, GpuIdentity, MigInstance } from '../../parse/gpu/sheet.ts';
import type { Cell, Column } from './columns.ts';
import type { ProcessUse } from './processes.ts';

/** The child's only argument, as JSON. */
export interface ReaderOptions {
  readonly library: string;
  readonly intervalMs: number;
  /** Ticks fall on this time of the monotonic clock and whole intervals before and after it. */
  readonly phaseMs: number;
  /** Whether each process is told, or only how many there are. */
  readonly processes: boolean;
}

/** Which GPUs there are and what their cells mean; again whenever that changes. */
export interface LayoutLine {
  readonly layout: number;
  readonly gpus: readonly LayoutGpu[];
  /** Equal rows of columns are written once. */
  readonly columnSets: readonly (readonly Column[])[];
}

export interface LayoutGpu {
  readonly identity: GpuIdentity;
  readonly facts: GpuFacts;
  /** The set of columns of each of its sections. */
  readonly sections: readonly number[];
  readonly instances?: readonly MigInstance[];
}

/** One tick. `values` has those sections that were read: GPU, section, cells. */
export interface ValuesLine {
  readonly tick: number;
  readonly layout: number;
  readonly values: readonly (readonly [gpu: number, section: number, cells: readonly Cell[]])[];
  readonly losses: readonly (readonly [gpu: number, reason: AbsenceReason])[];
  readonly processes?: readonly (readonly [gpu: number, processes: readonly ProcessUse[]])[];
}

export interface XidLine {
  readonly xid: number;
  readonly uuid: string;
  readonly pciBusId: string;
  readonly timeMs: number;
}

/** The child cannot go on and ends. */
export interface ErrorLine {
  readonly error: AbsenceReason;
  readonly message: string;
}
