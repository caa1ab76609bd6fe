// /proc/PID/cgroup, one hierarchy a line, and whose a path is: Slurm, Kubernetes, a container, a login session. cgroups(7),
// Slurm's cgroup plugins (v1; v2, whose job directories are named by SLUID from 26.05 on), kubelet's and runtimes' drivers.
import { ParseError } from './parse-error.ts';

export interface CgroupEntry {
  /** 0 for cgroup v2. */
  readonly hierarchy: number;
  readonly controllers: readonly string[];
  readonly path: string;
}

/** Of a job exactly one of `jobId` and `sluid` is known. */
export type CgroupOwner =
  | {
      readonly kind: 'slurm';
      readonly jobId: string | undefined;
      readonly sluid: string | undefined;
      /** 0, batch, extern, …; undefined above the steps. */
      readonly step: string | undefined;
      /** Name of the node where several slurmd share a host. */
      readonly node: string | undefined;
      readonly uid: number | undefined;
    }
  | { readonly kind: 'kubernetes'; readonly podUid: string; readonly containerId: string | undefined }
  | { readonly kind: 'container'; readonly runtime: string; readonly containerId: string }
  | { readonly kind: 'user'; readonly uid: number }
  | { readonly kind: 'none' };

export function parseCgroupFile(text: string, source: string): readonly CgroupEntry[] {
  const lines = text.split('\n').filter((line) => line !== '');
  if (lines.length === 0) throw new ParseError(source, text, 'a line for every hierarchy');
  return lines.map((line) => parseLine(line, source));
}

/** The path that says most: the hierarchies of cgroup v1 stop at different levels. */
export function ownerOfCgroups(entries: readonly CgroupEntry[]): CgroupOwner {
  const owners = entries.map(({ path }) => ownerOfCgroupPath(path));
  const best = Math.max(0, ...owners.map(rank));
  return owners.find((owner) => rank(owner) === best) ?? { kind: 'none' };
}

export function ownerOfCgroupPath(path: string): CgroupOwner {
  return slurmOf(path) ?? kubernetesOf(path) ?? containerOf(path) ?? userOf(path) ?? { kind: 'none' };
}

/** The name of a job's directory below `…slurmstepd.scope` or `uid_U`: its id or SLUID. */
export function jobOfDirectory(name: string): string | undefined {
  return /^job_(\d+)$/.exec(name)?.[1] ?? /^s[0-9A-HJKMNP-TV-Z]{13}$/.exec(name)?.[0];
}

const inSlurmV1 = /(?:^|\/)slurm(?:_([^/]+))?\/uid_(\d+)\/job_(\d+)(?:\/step_([^/]+))?(?=\/|$)/;
const inSlurmV2 =
  /(?:^|\/)(?:([^/]+)_)?slurmstepd\.scope\/(?:job_(\d+)|(s[0-9A-HJKMNP-TV-Z]{13}))(?:\/step_([^/]+))?(?=\/|$)/;

function parseLine(line: string, source: string): CgroupEntry {
  const [, hierarchy = '', controllers = '', path = ''] = /^(\d{1,9}):([^:]*):(\/[^\r]*)\r?$/.exec(line) ?? [];
  if (path === '') throw new ParseError(source, line, 'hierarchy:controllers:path');
  return {
    hierarchy: Number(hierarchy),
    controllers: controllers.split(',').filter((one) => one !== ''),
    path: path.replace(/ \(deleted\)$/, ''),
  };
}

function rank(owner: CgroupOwner): number {
  switch (owner.kind) {
    case 'slurm':
      return owner.step === undefined ? 4 : 5;
    case 'kubernetes':
      return 3;
    case 'container':
      return 2;
    case 'user':
      return 1;
    case 'none':
      return 0;
  }
}

function slurmOf(path: string): CgroupOwner | undefined {
  const v2 = inSlurmV2.exec(path);
  if (v2) return { kind: 'slurm', node: v2[1], jobId: v2[2], sluid: v2[3], step: v2[4], uid: undefined };
  const v1 = inSlurmV1.exec(path);
  return v1
    ? { kind: 'slurm', node: v1[1], uid: Number(v1[2]), jobId: v1[3], sluid: undefined, step: v1[4] }
    : undefined;
}

/** The systemd driver writes the dashes of a pod's uid as underscores. */
function kubernetesOf(path: string): CgroupOwner | undefined {
  if (!path.includes('kubepods')) return undefined;
  const [, pod] = /(?:\/|-)pod([\da-f]{8}(?:[-_]?[\da-f]{4}){3}[-_]?[\da-f]{12})(?:\.slice)?(?=\/|$)/.exec(path) ?? [];
  if (pod === undefined) return undefined;
  return { kind: 'kubernetes', podUid: pod.replaceAll('_', '-'), containerId: containerIdIn(path) };
}

const runtimes = new Map([
  ['docker', 'docker'],
  ['libpod', 'podman'],
  ['cri-containerd', 'containerd'],
  ['nerdctl', 'containerd'],
  ['crio', 'cri-o'],
]);

function containerOf(path: string): CgroupOwner | undefined {
  const [, prefix = '', id] =
    /\/(docker|libpod|cri-containerd|nerdctl|crio)[-/]([\da-f]{64})(?:\.scope)?(?=\/|$)/.exec(path) ?? [];
  const runtime = runtimes.get(prefix);
  return runtime === undefined || id === undefined ? undefined : { kind: 'container', runtime, containerId: id };
}

function containerIdIn(path: string): string | undefined {
  return /[-/]([\da-f]{64})(?:\.scope)?(?=\/|$)/.exec(path)?.[1];
}

function userOf(path: string): CgroupOwner | undefined {
  const uid = /(?:^|\/)user-(\d{1,10})\.slice(?=\/|$)/.exec(path)?.[1];
  return uid === undefined ? undefined : { kind: 'user', uid: Number(uid) };
}
