// One episode as it is meant: the machine, the job as it runs well, and what goes wrong with it for a while.
import type { JobKind } from '#agent/contract';
import type { Machine } from './machine.ts';
import type { Pause, RankParameters, Span } from './parameters.ts';

/** How the driver and the sensors see what happens besides the pipeline. */
export interface Shown {
  readonly throttlePower: number;
  readonly throttleThermal: number;
  readonly throttleThermalHw: number;
  readonly throttleBrake: number;
  readonly pcieWidth: number;
  readonly pcieGeneration: number;
  /** Degrees that the surroundings add. */
  readonly hotterC: number;
}

export interface RailState {
  readonly up: boolean;
  /** Share of the bytes of the node, and of the usual rate. */
  readonly share: number;
  readonly rate: number;
  readonly wait: number;
}

/** What a rank does and shows from the fault's beginning to its end. */
export interface Fault {
  readonly rank: (rank: number, well: RankParameters) => RankParameters;
  readonly shown?: (rank: number) => Partial<Shown>;
  readonly rails?: (node: number) => readonly RailState[];
  /** CPUs that others take on the node, as a share. */
  readonly otherCpu?: (node: number) => number;
  /** Time of one read by that of a quiet device. */
  readonly latencyFactor?: number;
}

/** Each constraint of the fault as it would be without: what truth is found by. */
export type Removals = Readonly<Record<string, Fault>>;

/** What the GPUs do when no pipeline runs on them. */
export type Idle =
  | { readonly kind: 'free' }
  | { readonly kind: 'empty' }
  | { readonly kind: 'idle'; readonly bursts: readonly Span[] }
  | { readonly kind: 'service'; readonly duty: number };

export interface Plan {
  readonly machine: Machine;
  readonly durationS: number;
  readonly fault: Span;
  readonly limitW: number;
  readonly intensity: number;
  readonly spin: number;
  readonly well: (rank: number) => RankParameters;
  readonly goesWrong: Fault | undefined;
  readonly removals: Removals;
  readonly pauses: readonly Pause[];
  readonly jobKind: JobKind;
  readonly input: 'local' | 'shared';
  /** Rank of each GPU that is lost from the fault's beginning. */
  readonly lost: readonly number[];
  readonly hangs: boolean;
  /** Seconds into the episode at which the job starts, and how long it prepares. */
  readonly startup: { readonly jobS: number; readonly firstStepS: number } | undefined;
  readonly idle: Idle | undefined;
  /** Data clients that wait in user space: their workers look asleep. */
  readonly hiddenClient: boolean;
}
