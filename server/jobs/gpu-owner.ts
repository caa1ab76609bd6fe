// Whose one GPU is, from what its scheduler granted and whose processes hold it. host.md §3.2, detection.md §4.1.
import type { GpuHolder } from '#agent/contract';
import type { JobRecord } from './job-record.ts';

/**
 * job: given and used, or nobody sees whether it is used; held: given, no process; outside: used by somebody it was not given to,
 * where nobody was given it; conflict: given to one, used by another; free: given to nobody, no process; unknown: nobody can say.
 */
export type OwnerCase = 'job' | 'held' | 'outside' | 'conflict' | 'free' | 'unknown';

export interface GpuOwner {
  readonly kind: OwnerCase;
  /** All that have it; the first one stands for them. */
  readonly jobs: readonly JobRecord[];
  /** Why it is not known who has the GPU, or what is wrong with who has it. */
  readonly reason: string | undefined;
}

/** Two that claim one GPU leave open whose it is. */
export function isAttributed({ kind }: GpuOwner): boolean {
  return kind !== 'unknown' && kind !== 'conflict';
}

export interface GpuFindings {
  /** Jobs that a scheduler gave the GPU to. */
  readonly granted: readonly JobRecord[];
  /** undefined where the agent does not see the processes. */
  readonly holders: readonly GpuHolder[] | undefined;
  /** The job of a process; undefined where its owner is hidden. */
  readonly jobOfHolder: (holder: GpuHolder) => JobRecord | undefined;
  /** Some scheduler speaks for the node. */
  readonly isScheduled: boolean;
}

export const NO_DATA = 'no scheduler data';

export function findOwner(findings: GpuFindings): GpuOwner {
  return findings.granted.length > 0 ? ofGranted(findings) : ofNobody(findings);
}

function ofGranted({ granted, holders, jobOfHolder }: GpuFindings): GpuOwner {
  if (!holders) return { kind: 'job', jobs: granted, reason: undefined };
  if (holders.length === 0) return { kind: 'held', jobs: granted, reason: undefined };
  const isOwn = (holder: GpuHolder): boolean => {
    const { kind } = holder.owner;
    // Without cgroups of Slurm a process shows no more than its user.
    if (kind === 'user' || kind === 'hidden')
      return holder.user === '' || granted.some(({ user }) => user === holder.user);
    const job = jobOfHolder(holder);
    return granted.some(({ id, scheduler }) => (scheduler === 'kubernetes' ? kind === scheduler : id === job?.id));
  };
  if (holders.some(isOwn)) return { kind: 'job', jobs: granted, reason: undefined };
  const others = distinct(holders.flatMap((holder) => jobOfHolder(holder) ?? []));
  if (others.length === 0) return { kind: 'job', jobs: granted, reason: undefined };
  const [given, used] = [granted, others].map((jobs) => jobs.map(nameOf).join(', '));
  return { kind: 'conflict', jobs: others, reason: `given to ${given}, used by ${used}` };
}

function ofNobody({ holders, jobOfHolder, isScheduled }: GpuFindings): GpuOwner {
  const jobs = distinct((holders ?? []).flatMap((holder) => jobOfHolder(holder) ?? []));
  const [first] = jobs;
  if (first) {
    const isGiven = first.isListed && first.requestedGpus > 0;
    if (isGiven || !isScheduled) return { kind: 'job', jobs, reason: undefined };
    return { kind: 'outside', jobs, reason: `used by ${jobs.map(nameOf).join(', ')} without being given` };
  }
  if (holders && holders.length > 0) return nobodyKnows('a process that the agent may not look at');
  if (isScheduled) return { kind: 'free', jobs: [], reason: undefined };
  return nobodyKnows(NO_DATA);
}

export function nobodyKnows(reason: string): GpuOwner {
  return { kind: 'unknown', jobs: [], reason };
}

function distinct(jobs: readonly JobRecord[]): readonly JobRecord[] {
  if (jobs.length < 2) return jobs;
  return [...new Map(jobs.map((job) => [`${job.scheduler} ${job.id}`, job])).values()];
}

function nameOf({ scheduler, displayId, user }: JobRecord): string {
  const who = user === '' ? '' : ` of ${user}`;
  return scheduler === 'none'
    ? `process ${displayId}${who}`
    : `${scheduler === 'slurm' ? 'job' : scheduler} ${displayId}${who}`;
}
