// What Slurm says of jobs and nodes, whichever of its two ways was asked.

export class SlurmError extends Error {
  override name = 'SlurmError';
}

/** GPUs of one node that a job was given, by their place in the node's list of generic resources. */
export interface NodeGpus {
  readonly node: string;
  readonly places: readonly number[];
}

export interface SlurmJob {
  /** As the kernel's cgroups have it; an array's task has one of its own. */
  readonly id: string;
  /** Name of the job's cgroup from 26.05 on; empty where Slurm does not say. */
  readonly sluid: string;
  /** As people know it: `3_0` for the first task of array 3, `10+1` for a part of a heterogeneous job. */
  readonly displayId: string;
  readonly arrayJobId: string;
  readonly name: string;
  /** Empty where it cannot be told for sure. */
  readonly user: string;
  readonly account: string;
  readonly partition: string;
  /** RUNNING, PENDING, COMPLETED … */
  readonly state: string;
  readonly reason: string;
  readonly startMs: number | undefined;
  readonly endMs: number | undefined;
  /** undefined: none. */
  readonly timeLimitS: number | undefined;
  /** How often it was put back into the queue. */
  readonly restarts: number;
  readonly nodes: number;
  readonly cpus: number;
  readonly requestedGpus: number;
  /** Type it asked for, such as v100; empty for any. */
  readonly gpuType: string;
  readonly gpus: readonly NodeGpus[];
}

export interface SlurmNode {
  readonly name: string;
  /** Name of the machine, which may be of several nodes. */
  readonly host: string;
  /** MIXED, IDLE+DRAIN … */
  readonly state: string;
  readonly reason: string;
  readonly gres: string;
  readonly partitions: readonly string[];
}

export interface SlurmAnswers {
  readonly jobs: readonly SlurmJob[];
  readonly nodes: readonly SlurmNode[];
}

/** One way to ask Slurm. Both throw SlurmError. */
export interface SlurmSource {
  /** For messages. */
  readonly name: string;
  jobs(): Promise<readonly SlurmJob[]>;
  nodes(): Promise<readonly SlurmNode[]>;
}
