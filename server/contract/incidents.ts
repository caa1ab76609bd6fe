// One cause and culprit with all its victims, as the API, the page, the command line and alerts tell it.
import type { Coverage } from './api.ts';
import type { Cause, Confidence } from './causes.ts';
import type { Owner } from './verdicts.ts';

export interface IncidentFigure {
  readonly signal: string;
  readonly title: string;
  /** As people read it, with its unit. */
  readonly text: string;
  readonly value: number;
  /** The same while all was well, of peers, or what it can be at most. */
  readonly against: {
    readonly kind: 'before' | 'peers' | 'ceiling' | 'limit';
    readonly value: number;
    readonly text: string;
  } | null;
}

export interface IncidentCulprit {
  readonly node: string;
  readonly gpu: string | null;
  /** A drive, a port. */
  readonly device: string | null;
  /** What holds the culprit itself back. */
  readonly cause: Cause | null;
}

export interface IncidentGpu {
  readonly node: string;
  readonly gpu: string;
  readonly uuid: string;
}

export const incidentSeverities = ['info', 'warning', 'critical'] as const;

export interface Incident {
  readonly id: string;
  readonly cause: Cause;
  readonly title: string;
  readonly owner: Owner;
  readonly severity: (typeof incidentSeverities)[number];
  readonly confidence: Confidence;
  readonly state: 'open' | 'ended';
  readonly since_ms: number;
  readonly ended_ms: number | null;
  readonly job_id: string | null;
  readonly user: string | null;
  readonly nodes: readonly string[];
  readonly gpus: readonly IncidentGpu[];
  readonly culprit: IncidentCulprit | null;
  /** GPU-seconds lost to it so far. */
  readonly lost_gpu_seconds: number;
  /** Share of the time of its GPUs that is lost now. */
  readonly loss_ratio: number;
  /** Factor by which they would be faster without it, and what would hold them back next. */
  readonly predicted_speedup: number;
  readonly next_limit: string | null;
  readonly evidence: readonly IncidentFigure[];
  /** What was looked at and is not the cause. */
  readonly ruled_out: readonly IncidentFigure[];
  readonly advice: string;
  /** All of it in a few sentences. */
  readonly text: string;
}

export interface IncidentsAnswer {
  readonly schema_version: number;
  readonly coverage: Coverage;
  readonly incidents: readonly Incident[];
}
