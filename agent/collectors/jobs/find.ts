// Cgroups of Slurm's jobs below sys/fs/cgroup: `…slurmstepd.scope/job_N` or `/sSLUID` of v2, `slurm…/uid_U/job_N` of v1.
import { jobOfDirectory } from '../../parse/cgroup.ts';
import type { Tree } from '../../sources/tree.ts';
import { CGROUP_ROOT } from './cgroup-use.ts';

/** More jobs than GPUs of a node. */
export const MAX_JOBS = 64;
const MAX_NAMES = 1024;
const MAX_USERS = 256;

/** Slices that slurmd is told to use; the first is the default. */
const slices = ['/system.slice', ''];
const controllers = ['memory', 'cpuacct', 'cpu,cpuacct', 'cpuset', 'freezer'];

export interface JobCgroups {
  /** The path as in /proc/PID/cgroup, by the job's id or SLUID. */
  readonly paths: ReadonlyMap<string, string>;
  /** Whether Slurm's own directory is there at all. */
  readonly hasSlurm: boolean;
}

export function findJobCgroups(tree: Tree): JobCgroups {
  const parents = [...scopesOfV2(tree), ...usersOfV1(tree)];
  const paths = new Map<string, string>();
  for (const { directory, path } of parents) {
    for (const name of namesIn(tree, directory)) {
      const job = jobOfDirectory(name);
      // Several slurmd of one host may run one job: the first stands for it.
      if (job !== undefined && !paths.has(job) && paths.size < MAX_JOBS) paths.set(job, `${path}/${name}`);
    }
  }
  return { paths, hasSlurm: parents.length > 0 };
}

interface Parent {
  readonly directory: string;
  readonly path: string;
}

function scopesOfV2(tree: Tree): readonly Parent[] {
  return slices.flatMap((slice) =>
    namesIn(tree, `${CGROUP_ROOT}${slice}`)
      .filter((name) => /(?:^|_)slurmstepd\.scope$/.test(name))
      .map((name) => ({ directory: `${CGROUP_ROOT}${slice}/${name}`, path: `${slice}/${name}` })),
  );
}

/** Slurm makes the same directories below each controller it uses: the first that has any tells them all. */
function usersOfV1(tree: Tree): readonly Parent[] {
  for (const controller of controllers) {
    const root = `${CGROUP_ROOT}/${controller}`;
    const slurms = namesIn(tree, root).filter((name) => /^slurm(?:_.+)?$/.test(name));
    if (slurms.length === 0) continue;
    return slurms.flatMap((slurm) =>
      namesIn(tree, `${root}/${slurm}`)
        .filter((name) => /^uid_\d+$/.test(name))
        .slice(0, MAX_USERS)
        .map((uid) => ({ directory: `${root}/${slurm}/${uid}`, path: `/${slurm}/${uid}` })),
    );
  }
  return [];
}

function namesIn(tree: Tree, directory: string): readonly string[] {
  return tree.names(directory).slice(0, MAX_NAMES);
}
