// Who has which GPU, had it, or waits for one: schedulers' answers joined with what agents see.
import type { Owners } from '#agent/contract';
import { isDeepStrictEqual } from 'node:util';
import type { Allocations } from '../diagnosis/live/diagnosis.ts';
import type { Fleet } from '../fleet/fleet.ts';
import { nobodyKnows, NO_DATA, type GpuOwner } from './gpu-owner.ts';
import type { JobRecord } from './job-record.ts';
import { join, keyOf, nodeFinder, type Joined } from './join.ts';
import { RunBook } from './run-book.ts';
import type { RunStore } from './run-store.ts';
import type { DeviceFiles } from './slurm/gres-conf.ts';
import type { SlurmJob } from './slurm/model.ts';
import type { SlurmState } from './slurm/poller.ts';

/** Older answers say nothing of now. */
const STALE_MS = 120_000;
const JOIN_EVERY_MS = 10_000;
/** Of a large fleet some agent has always something to tell. */
const JOIN_AT_MOST_EVERY_MS = 2000;
const OUT = /DRAIN|MAINT|RESERVED|DOWN|FAIL/;
/** These wait for GPUs, not for a date, a limit or another job. */
const WAITS = new Set(['Resources', 'Priority']);

export interface JobTableOptions {
  readonly store?: RunStore | undefined;
  readonly keepMs?: number;
  readonly files?: DeviceFiles;
  readonly nowMs?: () => number;
  readonly wallMs?: number;
  readonly onTrouble?: (error: unknown) => void;
}

/** A node that the scheduler gives nobody, and why. */
export interface PlannedNode {
  readonly node: string;
  readonly state: string;
  readonly reason: string;
}

export class JobTable {
  readonly #fleet: Fleet;
  readonly #options: JobTableOptions;
  readonly #owners = new Map<string, Owners>();
  readonly #runs: RunBook;
  #joined: Joined = { running: [], owners: new Map(), unscheduled: new Set() };
  #joinedMs = -Infinity;
  #isDirty = false;
  #state: SlurmState | undefined;
  #answeredMs: number | undefined;

  constructor(fleet: Fleet, options: JobTableOptions = {}) {
    this.#fleet = fleet;
    this.#options = options;
    const { store, keepMs = 400 * 86_400_000, onTrouble = () => undefined, wallMs = Date.now() } = options;
    this.#runs = new RunBook({ store, keepMs, onTrouble }, wallMs);
  }

  /** Running ones first, then those of the last day, the latest to end before the others. */
  get records(): readonly JobRecord[] {
    return [...this.#joined.running, ...this.#runs.ended];
  }
  get pending(): readonly SlurmJob[] {
    return (this.#state?.jobs ?? []).filter((job) => job.state === 'PENDING' && job.requestedGpus > 0);
  }
  /** Whether a scheduler is asked at all. */
  get isAsked(): boolean {
    return this.#state !== undefined;
  }
  get problem(): string | undefined {
    return this.#state?.problem;
  }

  /** Who has a GPU, or had it at a moment; of several that share it the first. */
  jobOf(node: string, uuid: string, atMs?: number): JobRecord | undefined {
    if (atMs !== undefined) return this.#runs.at(node, uuid, atMs);
    return this.#joined.owners.get(keyOf(node, uuid))?.jobs[0];
  }

  ownerOf(node: string, uuid: string, nowMs: number): GpuOwner {
    const owner = this.#joined.owners.get(keyOf(node, uuid)) ?? nobodyKnows(NO_DATA);
    if (this.#isFresh(nowMs) || !this.isAsked) return owner;
    const [first] = owner.jobs;
    return first && isFoundByAgents(first) ? owner : nobodyKnows(this.problem ?? 'the scheduler does not answer');
  }

  /** The newest run. */
  find(id: string): JobRecord | undefined {
    return this.runsOf(id)[0];
  }

  runsOf(id: string): readonly JobRecord[] {
    const running = this.#joined.running.filter((one) => one.id === id || one.displayId === id);
    return running.length > 0 && running.length === this.#runs.ofJob(id).length ? running : this.#runs.ofJob(id);
  }

  get planned(): readonly PlannedNode[] {
    const find = nodeFinder(this.#fleet.nodes);
    const out = (this.#state?.nodes ?? []).filter(({ state }) => OUT.test(state));
    return out.flatMap(({ name, host, state, reason }) => {
      const node = find(name, host)?.name;
      return node === undefined ? [] : [{ node, state, reason }];
    });
  }

  take(state: SlurmState, wallMs: number): void {
    this.#state = state;
    if (state.problem !== undefined) return;
    this.#answeredMs = state.answeredMs;
    this.#join(state.answeredMs ?? 0, wallMs);
  }

  /** What an agent says of its node; nothing once it is gone. */
  takeOwners(node: string, owners: Owners | undefined): void {
    // Agents tell it anew each minute.
    if (isDeepStrictEqual(this.#owners.get(node), owners)) return;
    if (owners) this.#owners.set(node, owners);
    else this.#owners.delete(node);
    this.#isDirty = true;
  }

  /** Joins anew where something was said, and every 10 s, as nodes fall silent. */
  renew(nowMs: number, wallMs: number): void {
    const waitMs = this.#isDirty ? JOIN_AT_MOST_EVERY_MS : JOIN_EVERY_MS;
    if (nowMs - this.#joinedMs >= waitMs) this.#join(nowMs, wallMs);
  }

  /** undefined where nobody can say who has what now. A GPU that is shared is with the first of those that have it. */
  allocations(nowMs: number): Allocations | undefined {
    const { running, unscheduled } = this.#joined;
    const isFresh = this.#isFresh(nowMs);
    const told = isFresh ? running : running.filter((job) => isFoundByAgents(job));
    const hasPods = this.#fleet.nodes.some(({ name }) => this.#owners.get(name)?.pods != null);
    if (!isFresh && told.length === 0 && !hasPods) return undefined;
    const jobs = told.map((job) => ({
      ...job,
      gpus: job.gpus.filter(({ node, uuid }) => this.#joined.owners.get(keyOf(node, uuid))?.jobs[0] === job),
    }));
    if (!isFresh) return { jobs, planned: new Set(), wantedModels: new Set(), unscheduled };
    return {
      jobs,
      planned: new Set(this.planned.map(({ node }) => node)),
      wantedModels: this.#wantedModels(),
      unscheduled,
    };
  }

  #isFresh(nowMs: number): boolean {
    return this.#answeredMs !== undefined && nowMs - this.#answeredMs <= STALE_MS;
  }

  #join(nowMs: number, wallMs: number): void {
    const { files = () => undefined } = this.#options;
    const slurm = this.#isFresh(nowMs) ? this.#state : undefined;
    const seen = (name: string): Owners | undefined =>
      this.#fleet.node(name)?.isUp(nowMs) === true ? this.#owners.get(name) : undefined;
    const nodes = this.#fleet.nodes.map((node) => ({
      name: node.name,
      gpus: this.#fleet.gpusOf(node),
      owners: seen(node.name),
    }));
    this.#isDirty = false;
    this.#joinedMs = nowMs;
    this.#joined = join({
      nodes,
      slurm,
      files,
      wallMs,
      openRun: (scheduler, id) => this.#runs.openRun(scheduler, id),
    });
    this.#runs.take({
      running: this.#joined.running,
      slurm: slurm?.jobs,
      isSeen: (name) => seen(name) !== undefined,
      wallMs,
    });
  }

  /** Models of the nodes that a waiting job could run on. */
  #wantedModels(): ReadonlySet<string> {
    const waiting = this.pending.filter(({ reason }) => WAITS.has(reason.split(',')[0] ?? ''));
    const find = nodeFinder(this.#fleet.nodes);
    const models = (this.#state?.nodes ?? []).flatMap((node) => {
      const fits = ({ partition, gpuType }: SlurmJob): boolean =>
        partition.split(',').some((name) => node.partitions.includes(name)) &&
        node.gres.split(',').some((one) => (gpuType === '' ? /^gpu\b/.test(one) : one.startsWith(`gpu:${gpuType}:`)));
      if (!waiting.some(fits)) return [];
      const known = find(node.name, node.host);
      return known ? this.#fleet.gpusOf(known).map(({ name }) => name) : [];
    });
    return new Set(models);
  }
}

/** Whom only Slurm told of is not known once Slurm is silent. */
function isFoundByAgents({ scheduler, isListed }: JobRecord): boolean {
  return scheduler !== 'slurm' || !isListed;
}
