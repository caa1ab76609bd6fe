// Who has which GPU, as the scheduler says, and what of its data is missing. Ended jobs are kept for a day.
import type { JobFacts, JobGpu, JobKind } from '#agent/contract';
import type { Allocations } from '../diagnosis/live/diagnosis.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { SlurmState } from './slurm/poller.ts';
import type { SlurmJob } from './slurm/scontrol.ts';

/** Older answers say nothing of now. */
const STALE_MS = 120_000;
const ENDED_KEPT_MS = 24 * 3_600_000;
const RUNNING = new Set(['RUNNING', 'COMPLETING', 'SUSPENDED', 'CONFIGURING']);
const OUT = /DRAIN|MAINT|RESERVED|DOWN|FAIL/;
/** What waits for a person, by the names people give it. */
const NOTEBOOK = /jupyter|notebook|code-server|interactive|ipython/i;

export interface JobRecord extends JobFacts {
  readonly displayId: string;
  readonly arrayJobId: string;
  readonly state: string;
  readonly nodes: number;
  readonly requestedGpus: number;
  readonly timeLimit: string;
  /** Places that Slurm names and no agent shows. */
  readonly unknownGpus: number;
}

export class JobTable {
  readonly #fleet: Fleet;
  readonly #records = new Map<string, JobRecord>();
  #running: readonly JobRecord[] = [];
  #jobOf: ReadonlyMap<string, JobRecord> = new Map();
  #pending: readonly SlurmJob[] = [];
  #planned: ReadonlySet<string> = new Set();
  #answeredMs: number | undefined;
  #state: SlurmState | undefined;

  constructor(fleet: Fleet) {
    this.#fleet = fleet;
  }

  /** Running ones first, then the latest to end. */
  get records(): readonly JobRecord[] {
    const ended = [...this.#records.values()].filter((one) => one.endMs !== undefined);
    return [...this.#running, ...ended.sort((a, b) => (b.endMs ?? 0) - (a.endMs ?? 0))];
  }
  get pending(): readonly SlurmJob[] {
    return this.#pending;
  }
  /** Whether a scheduler is asked at all. */
  get isAsked(): boolean {
    return this.#state !== undefined;
  }
  get problem(): string | undefined {
    return this.#state?.problem;
  }

  /** The running job that was given a GPU. */
  jobOf(node: string, uuid: string): JobRecord | undefined {
    return this.#jobOf.get(`${node}\n${uuid}`);
  }

  find(id: string): JobRecord | undefined {
    return this.records.find((one) => one.id === id || one.displayId === id);
  }

  take(state: SlurmState, wallMs: number): void {
    this.#state = state;
    if (state.problem !== undefined) return;
    this.#answeredMs = state.answeredMs;
    const uuids = this.#uuidsByPlace();
    this.#running = state.jobs
      .filter((job) => RUNNING.has(job.state) && job.gpus.length > 0)
      .map((job) => recordOf(job, uuids));
    this.#jobOf = new Map(
      this.#running.flatMap((job) => job.gpus.map(({ node, uuid }) => [`${node}\n${uuid}`, job] as const)),
    );
    this.#pending = state.jobs.filter((job) => job.state === 'PENDING' && job.requestedGpus > 0);
    this.#planned = new Set(state.nodes.filter((node) => OUT.test(node.state)).map(({ name }) => name));
    this.#keep(state, wallMs);
  }

  /** undefined where nobody can say who has what now. */
  allocations(nowMs: number): Allocations | undefined {
    if (this.#answeredMs === undefined || nowMs - this.#answeredMs > STALE_MS) return undefined;
    const models = new Set(this.#fleet.gpus.map(({ name }) => name));
    const waits = this.#pending.some(({ reason }) => reason === 'Resources' || reason === 'Priority');
    return { jobs: this.#running, planned: this.#planned, wantedModels: waits ? models : new Set() };
  }

  #keep({ jobs }: SlurmState, wallMs: number): void {
    const byId = new Map(jobs.map((job) => [job.id, job]));
    const running = new Set(this.#running.map(({ id }) => id));
    for (const record of this.#running) this.#records.set(record.id, record);
    for (const [id, record] of this.#records) {
      if (running.has(id)) continue;
      const ended = byId.get(id);
      // Slurm forgets ended jobs after minutes; what it no longer lists has ended since we last asked.
      const endMs = record.endMs ?? (ended && ended.state !== 'PENDING' ? ended.endMs : undefined) ?? wallMs;
      if (wallMs - endMs > ENDED_KEPT_MS) this.#records.delete(id);
      else this.#records.set(id, { ...record, endMs, state: ended?.state ?? record.state });
    }
  }

  /** A place in Slurm's list is a place in the order of the devices, which is that of their indices. */
  #uuidsByPlace(): (node: string, place: number) => string | undefined {
    const byNode = Map.groupBy(this.#fleet.gpus, ({ node }) => node.name);
    return (node, place) => {
      const gpus = byNode.get(node) ?? byNode.get(node.split('.')[0] ?? '');
      return gpus?.find(({ gpu }) => Number(gpu) === place)?.uuid;
    };
  }
}

function recordOf(job: SlurmJob, uuidAt: (node: string, place: number) => string | undefined): JobRecord {
  const named = job.gpus.flatMap(({ node, places }) => places.map((place) => ({ node, uuid: uuidAt(node, place) })));
  return {
    id: job.id,
    displayId: job.displayId,
    arrayJobId: job.arrayJobId,
    user: job.user,
    account: job.account,
    partition: job.partition,
    name: job.name,
    kind: kindOf(job),
    startMs: job.startMs ?? 0,
    endMs: undefined,
    gpus: named.flatMap(({ node, uuid }): readonly JobGpu[] => (uuid === undefined ? [] : [{ node, uuid }])),
    cpus: job.cpus,
    input: undefined,
    state: job.state,
    nodes: job.nodes,
    requestedGpus: job.requestedGpus,
    timeLimit: job.timeLimit,
    unknownGpus: named.filter(({ uuid }) => uuid === undefined).length,
  };
}

function kindOf({ name, partition }: SlurmJob): JobKind {
  if (NOTEBOOK.test(name) || NOTEBOOK.test(partition)) return 'notebook';
  return /serve|serving|triton|vllm|inference/i.test(name) ? 'service' : 'batch';
}
