// Jobs and users, as /api/v1/jobs and /api/v1/users tell them.
import type { Coverage } from './api.ts';
import type { Attribution } from './attribution.ts';
import type { LeafClass } from './verdicts.ts';

export interface JobSummary {
  readonly id: string;
  /** As people know it: `3_0` for a task of array 3. */
  readonly display_id: string;
  readonly array_job_id: string | null;
  readonly user: string;
  readonly account: string;
  readonly partition: string;
  readonly name: string;
  readonly kind: 'batch' | 'notebook' | 'service';
  /** Who says so; `none`: a process that no scheduler speaks for. */
  readonly scheduler: 'slurm' | 'kubernetes' | 'container' | 'none';
  readonly state: string;
  readonly start_ms: number;
  readonly end_ms: number | null;
  readonly nodes: number | null;
  readonly requested_gpus: number;
  /** null: none, or none is known. */
  readonly time_limit_seconds: number | null;
  /** How often it was put back into the queue. */
  readonly restarts: number;
  readonly gpus: readonly { readonly node: string; readonly uuid: string }[];
  /** GPUs that the scheduler names and no agent shows. */
  readonly unknown_gpus: number;
  /** GPUs by what they do now; empty for an ended job. */
  readonly classes: Partial<Record<LeafClass, number>>;
}

export interface JobsAnswer {
  readonly schema_version: number;
  readonly coverage: Coverage;
  readonly attribution: Attribution;
  readonly jobs: readonly JobSummary[];
  /** Jobs that wait and ask for GPUs. */
  readonly pending: readonly PendingJob[];
  /** Nodes that the scheduler gives nobody. */
  readonly planned: readonly { readonly node: string; readonly state: string; readonly reason: string }[];
}

export interface PendingJob {
  readonly id: string;
  readonly display_id: string;
  readonly user: string;
  readonly account: string;
  readonly partition: string;
  readonly name: string;
  readonly requested_gpus: number;
  /** Empty for any. */
  readonly gpu_type: string;
  readonly reason: string;
}

/** The newest run of a job; a job that was put back into the queue has several. */
export interface JobAnswer extends JobSummary {
  readonly schema_version: number;
  readonly runs: readonly { readonly start_ms: number; readonly end_ms: number | null; readonly state: string }[];
  /** GPUs by time of all runs, up to now. */
  readonly held_gpu_seconds: number;
  /** Where that time went, as far as it is booked. */
  readonly gpu_seconds: Partial<Record<LeafClass, number>>;
}

export interface UsersAnswer {
  readonly schema_version: number;
  readonly coverage: Coverage;
  readonly users: readonly {
    readonly user: string;
    readonly jobs: number;
    readonly gpus: number;
    readonly classes: Partial<Record<LeafClass, number>>;
  }[];
}
