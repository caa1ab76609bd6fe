// Jobs and users as the API shows them, with what their GPUs do now.
import type { Attribution, JobsAnswer, JobSummary, LeafClass, UsersAnswer } from '#server/contract';
import type { Fleet } from '../fleet/fleet.ts';
import type { FleetGpu } from '../fleet/gpu.ts';
import { isAttributed } from './gpu-owner.ts';
import type { JobRecord } from './job-record.ts';
import type { JobTable } from './job-table.ts';

export function summarizePending(table: JobTable): JobsAnswer['pending'] {
  return table.pending.map((job) => ({
    id: job.id,
    display_id: job.displayId,
    user: job.user,
    account: job.account,
    partition: job.partition,
    name: job.name,
    requested_gpus: job.requestedGpus,
    gpu_type: job.gpuType,
    reason: job.reason,
  }));
}

/** All runs of a job, the newest first. */
export function summarizeRuns(table: JobTable, fleet: Fleet, id: string): readonly JobSummary[] {
  const gpus = gpusByKey(fleet);
  return table.runsOf(id).map((run) => summarizeJob(run, gpus));
}

export function summarizeJobs(table: JobTable, fleet: Fleet): readonly JobSummary[] {
  const gpus = gpusByKey(fleet);
  return table.records.map((record) => summarizeJob(record, gpus));
}

function gpusByKey(fleet: Fleet): ReadonlyMap<string, FleetGpu> {
  return new Map(fleet.gpus.map((gpu) => [`${gpu.node.name}\n${gpu.uuid}`, gpu]));
}

function summarizeJob(record: JobRecord, gpus: ReadonlyMap<string, FleetGpu>): JobSummary {
  const own =
    record.endMs === undefined ? record.gpus.flatMap(({ node, uuid }) => gpus.get(`${node}\n${uuid}`) ?? []) : [];
  return {
    id: record.id,
    display_id: record.displayId,
    array_job_id: record.arrayJobId === '' ? null : record.arrayJobId,
    user: record.user,
    account: record.account,
    partition: record.partition,
    name: record.name,
    kind: record.kind,
    scheduler: record.scheduler,
    state: record.state,
    start_ms: record.startMs,
    end_ms: record.endMs ?? null,
    nodes: Number.isNaN(record.nodes) ? null : record.nodes,
    requested_gpus: record.requestedGpus,
    time_limit_seconds: record.timeLimitS ?? null,
    restarts: record.restarts,
    gpus: record.gpus,
    unknown_gpus: record.unknownGpus,
    classes: countClasses(own),
  };
}

export function countClasses(gpus: readonly FleetGpu[]): Partial<Record<LeafClass, number>> {
  const counts: Partial<Record<LeafClass, number>> = {};
  for (const { account } of gpus) counts[account.class] = (counts[account.class] ?? 0) + 1;
  return counts;
}

export function summarizeUsers(table: JobTable, fleet: Fleet): UsersAnswer['users'] {
  const running = summarizeJobs(table, fleet).filter(({ end_ms }) => end_ms === null);
  const users = Map.groupBy(running, ({ user }) => user);
  return [...users]
    .map(([user, jobs]) => ({
      user,
      jobs: jobs.length,
      gpus: jobs.reduce((sum, { gpus }) => sum + gpus.length, 0),
      classes: addUp(jobs.map(({ classes }) => classes)),
    }))
    .sort((a, b) => b.gpus - a.gpus);
}

function addUp(all: readonly Partial<Record<LeafClass, number>>[]): Partial<Record<LeafClass, number>> {
  const sum: Partial<Record<LeafClass, number>> = {};
  for (const counts of all) {
    for (const [leaf, count] of Object.entries(counts) as [LeafClass, number][]) sum[leaf] = (sum[leaf] ?? 0) + count; // keys of a record of classes
  }
  return sum;
}

/** How much is known, and what is missing, in words. */
export function attribution(table: JobTable, fleet: Fleet, nowMs: number): Attribution {
  const open = fleet.gpus.flatMap((gpu) => {
    const owner = table.ownerOf(gpu.node.name, gpu.uuid, nowMs);
    return isAttributed(owner) ? [] : [{ gpu, owner }];
  });
  const gpus = fleet.gpus.length;
  const byReason = Map.groupBy(open, ({ owner }) => (owner.kind === 'conflict' ? CONFLICT : (owner.reason ?? '')));
  const reasons = [...byReason]
    .map(([reason, some]) => ({ reason, gpus: some.length, nodes: [...new Set(some.map(({ gpu }) => gpu.node.name))] }))
    .sort((a, b) => b.gpus - a.gpus);
  return {
    gpus,
    attributed: gpus - open.length,
    problem: problemOf(table, reasons),
    reasons,
    text: textOf(gpus, reasons),
  };
}

const CONFLICT = 'given to one, used by another';

function problemOf(table: JobTable, [first]: Attribution['reasons']): string | null {
  if (!first) return null;
  return table.isAsked ? first.reason : `${first.reason}: no scheduler is asked, set jobs.scontrol or jobs.slurm_url`;
}

/** `97 % attributed, 12 GPUs: no scheduler data`. */
function textOf(gpus: number, reasons: Attribution['reasons']): string {
  const open = reasons.reduce((sum, reason) => sum + reason.gpus, 0);
  // All is said only of all.
  const percent = gpus === 0 ? 0 : Math.floor(((gpus - open) / gpus) * 100);
  return [
    `${percent} % attributed`,
    ...reasons.map((one) => `${one.gpus} GPU${one.gpus === 1 ? '' : 's'}: ${one.reason}`),
  ].join(', ');
}

export function coverageRatio(table: JobTable, fleet: Fleet, nowMs: number): number {
  const { gpus } = fleet;
  const known = gpus.filter((gpu) => isAttributed(table.ownerOf(gpu.node.name, gpu.uuid, nowMs)));
  return gpus.length === 0 ? 0 : known.length / gpus.length;
}
