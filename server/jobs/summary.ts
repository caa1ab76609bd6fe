// Jobs and users as the API shows them, with what their GPUs do now.
import type { Attribution, JobSummary, LeafClass, UsersAnswer } from '#server/contract';
import type { Fleet } from '../fleet/fleet.ts';
import type { FleetGpu } from '../fleet/gpu.ts';
import type { JobRecord, JobTable } from './job-table.ts';

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
    state: record.state,
    start_ms: record.startMs,
    end_ms: record.endMs ?? null,
    nodes: record.nodes,
    requested_gpus: record.requestedGpus,
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

/** A GPU is attributed if the scheduler answers: it has a job, or it is known that it has none. */
export function attribution(table: JobTable, fleet: Fleet, nowMs: number): Attribution {
  const gpus = fleet.gpus.length;
  if (!table.isAsked) return { gpus, attributed: 0, problem: 'no scheduler is asked: set jobs.scontrol' };
  const known = table.allocations(nowMs) !== undefined;
  return {
    gpus,
    attributed: known ? gpus : 0,
    problem: known ? null : (table.problem ?? 'the scheduler does not answer'),
  };
}

export function coverageRatio(table: JobTable, fleet: Fleet, nowMs: number): number {
  const { gpus, attributed } = attribution(table, fleet, nowMs);
  return gpus === 0 ? 0 : attributed / gpus;
}
