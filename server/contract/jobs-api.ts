// Jobs and users, as /api/v1/jobs and /api/v1/users tell them.
import type { Coverage } from './api.ts';
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
  readonly state: string;
  readonly start_ms: number;
  readonly end_ms: number | null;
  readonly nodes: number;
  readonly requested_gpus: number;
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
}

/** Of how many GPUs it is known who has them. */
export interface Attribution {
  readonly gpus: number;
  readonly attributed: number;
  /** Why not all; null where all are. */
  readonly problem: string | null;
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
