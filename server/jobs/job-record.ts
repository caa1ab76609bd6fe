// One run of a job: who had which GPUs from when until when. A job that is put back into the queue has several.
import type { GpuHolder, GpuPod, JobFacts, JobKind } from '#agent/contract';
import type { SlurmJob } from './slurm/model.ts';

/** Who said so: a scheduler gives GPUs away; a process merely has one. */
export type Scheduler = 'slurm' | 'kubernetes' | 'container' | 'none';

export interface JobRecord extends JobFacts {
  readonly displayId: string;
  /** Empty where it is of no array. */
  readonly arrayJobId: string;
  readonly scheduler: Scheduler;
  /** False: found by its processes alone. */
  readonly isListed: boolean;
  readonly state: string;
  readonly nodes: number;
  readonly requestedGpus: number;
  /** undefined: none, or none is known. */
  readonly timeLimitS: number | undefined;
  readonly restarts: number;
  /** Places that the scheduler names and no agent shows. */
  readonly unknownGpus: number;
}

/** What waits for a person, by the names people give it. */
const NOTEBOOK = /jupyter|notebook|code-server|interactive|ipython/i;
const SERVICE = /serve|serving|triton|vllm|inference/i;

export function runKey({ scheduler, id, startMs }: JobRecord): string {
  return `${scheduler} ${id} ${startMs}`;
}

/** GPUs are added by who knows the places. */
export function recordOfSlurm(job: SlurmJob, startMs: number): JobRecord {
  return {
    id: job.id,
    displayId: job.displayId,
    arrayJobId: job.arrayJobId,
    scheduler: 'slurm',
    isListed: true,
    user: job.user,
    account: job.account,
    partition: job.partition,
    name: job.name,
    kind: kindOf(job.name, job.partition),
    startMs,
    endMs: undefined,
    gpus: [],
    cpus: job.cpus,
    input: undefined,
    state: job.state,
    nodes: job.nodes,
    requestedGpus: job.requestedGpus,
    timeLimitS: job.timeLimitS,
    restarts: job.restarts,
    unknownGpus: 0,
  };
}

export function recordOfPod({ namespace, pod, devices }: GpuPod, startMs: number): JobRecord {
  return found({
    ...{ scheduler: 'kubernetes', id: `${namespace}/${pod}`, account: namespace, name: pod, startMs, isListed: true },
    requestedGpus: devices.length,
  });
}

/** A process that no scheduler speaks for; a job of Slurm whose number only its cgroup tells. */
export function recordOfProcess(node: string, holder: GpuHolder, startMs: number): JobRecord {
  const { owner, pid, command } = holder;
  const user = holder.user === '' && holder.uid !== null ? String(holder.uid) : holder.user;
  const common = { user, name: command, startMs, isListed: false };
  switch (owner.kind) {
    case 'slurm':
      return found({ ...common, scheduler: 'slurm', id: owner.job || owner.sluid });
    case 'kubernetes':
      return found({ ...common, scheduler: 'kubernetes', id: owner.pod_uid });
    case 'container':
      return found({ ...common, scheduler: 'container', id: owner.container_id.slice(0, 12) });
    case 'user':
    case 'hidden':
      return found({ ...common, scheduler: 'none', id: `${node}:${pid}` });
  }
}

type Found = Pick<JobRecord, 'scheduler' | 'id' | 'name' | 'startMs' | 'isListed'> & Partial<JobRecord>;

function found(known: Found): JobRecord {
  return {
    displayId: known.id,
    arrayJobId: '',
    user: '',
    account: '',
    partition: '',
    kind: kindOf(known.name, ''),
    endMs: undefined,
    gpus: [],
    cpus: NaN,
    input: undefined,
    state: 'RUNNING',
    nodes: 1,
    requestedGpus: 0,
    timeLimitS: undefined,
    restarts: 0,
    unknownGpus: 0,
    ...known,
  };
}

function kindOf(name: string, partition: string): JobKind {
  if (NOTEBOOK.test(name) || NOTEBOOK.test(partition)) return 'notebook';
  return SERVICE.test(name) ? 'service' : 'batch';
}
