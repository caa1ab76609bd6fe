// Whose one process is: its cgroup, else the slurmstepd above it, else its user. cgroups(7), proc_pid_status(5); host.md §3.1.
import { isAbsent, type ProcessOwner } from '#agent/contract';
import { ownerOfCgroups, parseCgroupFile, type CgroupOwner } from '../parse/cgroup.ts';
import { ParseError } from '../parse/parse-error.ts';
import type { Tree } from '../sources/tree.ts';

export interface FoundOwner {
  readonly command: string;
  /** null where it cannot be read. */
  readonly uid: number | null;
  readonly owner: ProcessOwner;
}

/** A loader of a loader of a job is not so deep. */
const MOST_PARENTS = 32;

/** undefined: it is gone. */
export function findProcessOwner(tree: Tree, pid: number): FoundOwner | undefined {
  const status = readStatus(tree, pid);
  if (!status && !tree.exists(`proc/${pid}`)) return undefined;
  const command = (tree.word(`proc/${pid}/comm`) ?? '').slice(0, 256);
  const owner = readCgroupOwner(tree, pid);
  if (!status || !owner) return { command, uid: status?.uid ?? null, owner: { kind: 'hidden' } };
  return { command, uid: status.uid, owner: ownerFrom(owner) ?? findStepd(tree, status.parent) ?? { kind: 'user' } };
}

interface Status {
  readonly uid: number;
  readonly parent: number;
}

function readStatus(tree: Tree, pid: number): Status | undefined {
  const text = tree.text(`proc/${pid}/status`);
  if (isAbsent(text)) return undefined;
  // The first is the real one: who started it.
  const uid = /^Uid:\s+(\d+)/m.exec(text)?.[1];
  const parent = /^PPid:\s+(\d+)/m.exec(text)?.[1];
  return uid === undefined ? undefined : { uid: Number(uid), parent: Number(parent ?? 0) };
}

function readCgroupOwner(tree: Tree, pid: number): CgroupOwner | undefined {
  const path = `proc/${pid}/cgroup`;
  const text = tree.text(path);
  if (isAbsent(text)) return undefined;
  try {
    return ownerOfCgroups(parseCgroupFile(text, path));
  } catch (error) {
    if (error instanceof ParseError) return undefined;
    throw error;
  }
}

/** undefined: the cgroup names nobody but perhaps a user, whom the process itself tells better. */
function ownerFrom(owner: CgroupOwner): ProcessOwner | undefined {
  switch (owner.kind) {
    case 'slurm':
      return { kind: 'slurm', job: owner.jobId ?? '', sluid: owner.sluid ?? '', step: owner.step ?? '' };
    case 'kubernetes':
      return { kind: 'kubernetes', pod_uid: owner.podUid, container_id: owner.containerId ?? '' };
    case 'container':
      return { kind: 'container', runtime: owner.runtime, container_id: owner.containerId };
    case 'user':
    case 'none':
      return undefined;
  }
}

/** Without cgroups Slurm's own process above tells the job; only root may call itself so. */
function findStepd(tree: Tree, from: number): ProcessOwner | undefined {
  let pid = from;
  for (let depth = 0; depth < MOST_PARENTS && pid > 1; depth++) {
    const line = tree.text(`proc/${pid}/cmdline`);
    const status = readStatus(tree, pid);
    if (!status) return undefined;
    const [, job, step] = (isAbsent(line) ? undefined : /^slurmstepd: \[(\d+)(?:\.([^\]]+))?\]/.exec(line)) ?? [];
    if (job !== undefined && status.uid === 0) return { kind: 'slurm', job, sluid: '', step: step ?? '' };
    pid = status.parent;
  }
  return undefined;
}
