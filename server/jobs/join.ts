// Joins what schedulers give away with what agents see: the running jobs with their GPUs, and the owner of every GPU.
import type { GpuHolder, Owners } from '#agent/contract';
import { findOwner, type GpuOwner } from './gpu-owner.ts';
import { recordOfPod, recordOfProcess, recordOfSlurm, type JobRecord } from './job-record.ts';
import type { DeviceFiles } from './slurm/gres-conf.ts';
import type { SlurmAnswers, SlurmJob } from './slurm/model.ts';
import { placeFinder, shortAddress, type PlacedGpu } from './slurm/places.ts';

export interface JoinedNode {
  readonly name: string;
  readonly gpus: readonly PlacedGpu[];
  /** undefined where no agent tells. */
  readonly owners: Owners | undefined;
}

export interface JoinInput {
  readonly nodes: readonly JoinedNode[];
  /** undefined while Slurm is not asked or does not answer. */
  readonly slurm: SlurmAnswers | undefined;
  readonly files: DeviceFiles;
  readonly wallMs: number;
  /** What is known already of a job that has not ended. */
  readonly openRun: (scheduler: string, id: string) => JobRecord | undefined;
}

export interface Joined {
  readonly running: readonly JobRecord[];
  /** By node and UUID: `keyOf`. */
  readonly owners: ReadonlyMap<string, GpuOwner>;
  /** Nodes that no scheduler speaks for. */
  readonly unscheduled: ReadonlySet<string>;
}

const RUNNING = new Set(['RUNNING', 'COMPLETING', 'SUSPENDED', 'CONFIGURING', 'STOPPED', 'SIGNALING', 'STAGE_OUT']);

export function keyOf(node: string, uuid: string): string {
  return `${node}\n${uuid}`;
}

export function join(input: JoinInput): Joined {
  return new Join(input).result();
}

class Join {
  readonly #input: JoinInput;
  readonly #findNode: ReturnType<typeof nodeFinder<JoinedNode>>;
  readonly #hosts: ReadonlyMap<string, string>;
  /** Listed by Slurm, by number and by SLUID. */
  readonly #listed = new Map<string, JobRecord>();
  /** By their processes or pods, with one record for all of a job's processes. */
  readonly #found = new Map<string, JobRecord>();
  readonly #grants = new Map<string, JobRecord[]>();
  readonly #unknownGpus = new Map<string, number>();
  readonly #places = new Map<string, ReturnType<typeof placeFinder>>();

  constructor(input: JoinInput) {
    this.#input = input;
    this.#findNode = nodeFinder(input.nodes);
    this.#hosts = new Map((input.slurm?.nodes ?? []).map(({ name, host }) => [name, host]));
  }

  result(): Joined {
    const { nodes, slurm } = this.#input;
    const scheduled = new Set((slurm?.nodes ?? []).flatMap(({ name, host }) => this.#findNode(name, host)?.name ?? []));
    for (const job of slurm?.jobs ?? []) if (RUNNING.has(job.state)) this.#list(job);
    for (const node of nodes) this.#takeHints(node);
    const owners = new Map(
      nodes.flatMap((node) => {
        const isScheduled = scheduled.has(node.name) || node.owners?.pods != null;
        return node.gpus.map(({ uuid }) => [keyOf(node.name, uuid), this.#ownerOf(node, uuid, isScheduled)] as const);
      }),
    );
    const unscheduled = nodes.filter(({ name, owners: seen }) => !scheduled.has(name) && seen?.pods == null);
    return { ...this.#withGpus(owners), unscheduled: new Set(unscheduled.map(({ name }) => name)) };
  }

  #list(job: SlurmJob): void {
    const record = recordOfSlurm(job, job.startMs ?? this.#since('slurm', job.id));
    this.#listed.set(job.id, record);
    if (job.sluid !== '') this.#listed.set(job.sluid, record);
    for (const { node: name, places } of job.gpus) {
      const node = this.#findNode(name, this.#hosts.get(name) ?? '');
      const find = node && this.#placesOf(name, node);
      for (const place of places) {
        const uuid = find?.(place);
        if (node && uuid !== undefined) this.#grant(keyOf(node.name, uuid), record);
        else this.#unknownGpus.set(job.id, (this.#unknownGpus.get(job.id) ?? 0) + 1);
      }
    }
  }

  /** Many jobs may have GPUs of one node. */
  #placesOf(name: string, { gpus, owners }: JoinedNode): ReturnType<typeof placeFinder> {
    const known = this.#places.get(name);
    if (known) return known;
    const minors = new Map((owners?.devices ?? []).map((one) => [shortAddress(one.pci_bus_id), one.minor]));
    const find = placeFinder({ node: name, gpus, minors, files: this.#input.files });
    this.#places.set(name, find);
    return find;
  }

  /** A job that works stands before one that is stopped. */
  #grant(key: string, record: JobRecord): void {
    const known = this.#grants.get(key) ?? [];
    const isFirst = record.state === 'RUNNING' && known[0]?.state === 'SUSPENDED';
    this.#grants.set(key, isFirst ? [record, ...known] : [...known, record]);
  }

  /** A prolog's word counts where the scheduler itself does not say. */
  #takeHints({ name, gpus, owners }: JoinedNode): void {
    for (const { gpu, job } of owners?.hints ?? []) {
      const uuid = gpus.find((one) => one.uuid === gpu || one.gpu === gpu.split('.')[0])?.uuid;
      if (uuid === undefined || this.#grants.has(keyOf(name, uuid))) continue;
      const holder = { uuid, pid: 0, command: '', started_ms: null, uid: null, user: '' };
      const record =
        this.#listed.get(job) ??
        this.#recordFor(name, { ...holder, owner: { kind: 'slurm', job, sluid: '', step: '' } });
      this.#grant(keyOf(name, uuid), record);
    }
  }

  #ownerOf({ name, owners }: JoinedNode, uuid: string, isScheduled: boolean): GpuOwner {
    const holders = owners?.holders.filter((holder) => holder.uuid === uuid);
    const pods = (owners?.pods ?? []).filter(({ devices }) => devices.some((device) => device.split('::')[0] === uuid));
    const granted = [...(this.#grants.get(keyOf(name, uuid)) ?? []), ...pods.map((pod) => this.#podRecord(pod))];
    return findOwner({
      granted,
      holders: owners?.seen.includes(uuid) === true ? holders : undefined,
      jobOfHolder: (holder) => this.#jobOfHolder(name, holder),
      isScheduled,
    });
  }

  #podRecord(pod: NonNullable<Owners['pods']>[number]): JobRecord {
    const id = `${pod.namespace}/${pod.pod}`;
    return this.#remember(recordOfPod(pod, this.#since('kubernetes', id)));
  }

  #jobOfHolder(node: string, holder: GpuHolder): JobRecord | undefined {
    const { owner } = holder;
    switch (owner.kind) {
      case 'hidden':
        return undefined;
      case 'slurm':
        return this.#listed.get(owner.job) ?? this.#listed.get(owner.sluid) ?? this.#recordFor(node, holder);
      case 'kubernetes':
      case 'container':
        return this.#recordFor(node, holder);
      case 'user':
        return holder.uid === null ? undefined : this.#recordFor(node, holder);
    }
  }

  /** A Slurm that does not answer now may have told of the job before. */
  #recordFor(node: string, holder: GpuHolder): JobRecord {
    // Clocks of nodes may be ahead of ours.
    const since = Math.min(holder.started_ms ?? Infinity, this.#input.wallMs);
    const found = recordOfProcess(node, holder, since);
    const known = this.#input.openRun(found.scheduler, found.id);
    if (!known) return this.#remember(found);
    const told = found.scheduler === 'slurm' ? { ...known, gpus: [], unknownGpus: 0, isListed: false } : found;
    return this.#remember({ ...told, startMs: known.startMs });
  }

  #remember(record: JobRecord): JobRecord {
    const key = `${record.scheduler} ${record.id}`;
    const known = this.#found.get(key);
    if (known) return known;
    this.#found.set(key, record);
    return record;
  }

  #since(scheduler: string, id: string): number {
    return this.#input.openRun(scheduler, id)?.startMs ?? this.#input.wallMs;
  }

  /** Each job with the GPUs that it has in the end; owners name these records. */
  #withGpus(owners: ReadonlyMap<string, GpuOwner>): Pick<Joined, 'running' | 'owners'> {
    const gpus = new Map<JobRecord, { node: string; uuid: string }[]>();
    for (const [key, { jobs }] of owners) {
      const [node = '', uuid = ''] = key.split('\n');
      for (const job of jobs) {
        const own = gpus.get(job);
        if (own) own.push({ node, uuid });
        else gpus.set(job, [{ node, uuid }]);
      }
    }
    const finished = new Map<JobRecord, JobRecord>();
    const all = new Set([...this.#listed.values(), ...gpus.keys()]);
    for (const job of all) {
      const own = gpus.get(job) ?? [];
      const unknownGpus = this.#unknownGpus.get(job.id) ?? 0;
      if (own.length === 0 && unknownGpus === 0) continue;
      const nodes = job.isListed && job.scheduler === 'slurm' ? job.nodes : new Set(own.map(({ node }) => node)).size;
      finished.set(job, { ...job, gpus: own, unknownGpus, nodes, requestedGpus: job.requestedGpus || own.length });
    }
    const named = [...owners].map(
      ([key, owner]) => [key, { ...owner, jobs: owner.jobs.map((job) => finished.get(job) ?? job) }] as const,
    );
    return { running: [...finished.values()], owners: new Map(named) };
  }
}

/** Agents call a node by the first part of its name; several nodes of Slurm may share a machine. */
export function nodeFinder<N extends { readonly name: string }>(
  nodes: readonly N[],
): (name: string, host: string) => N | undefined {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const by = (name: string): N | undefined => byName.get(name) ?? byName.get(name.split('.')[0] ?? '');
  return (name, host) => by(name) ?? by(host);
}
