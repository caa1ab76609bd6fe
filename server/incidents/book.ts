// Open and ended incidents: one per cause and culprit, its victims folded. It opens with a label that stayed for a while and ends
// when no GPU has had it for a minute.
import { causes, isCause, type Incident, type IncidentCulprit, type IncidentFigure } from '#server/contract';
import type { GpuJudgement, Step } from '../diagnosis/judge.ts';
import { SLOT_S } from '../diagnosis/slot.ts';
import type { Evidence } from '../diagnosis/verdict.ts';
import { explain } from './explain.ts';
import { severityOf } from './severity.ts';
import { showFigure, titleOf } from './words.ts';

const SLOT_MS = SLOT_S * 1000;
/** What a GPU waits for is told after so long; a shorter stay is a passing one. */
const OPEN_AFTER_SLOTS = 6;
const END_AFTER_SLOTS = 6;
const ENDED_KEPT = 500;

/** Names the drive or port that is behind a finding. */
export type FindDevice = (
  judgement: GpuJudgement,
) => { readonly device: string; readonly figures: readonly Evidence[] } | undefined;

interface Open {
  readonly id: string;
  readonly sinceMs: number;
  lastSlot: number;
  lostGpuSeconds: number;
  members: readonly GpuJudgement[];
  /** Figures of the first step, and the latest ones. */
  incident: Incident;
}

export class IncidentBook {
  readonly #open = new Map<string, Open>();
  #ended: Incident[] = [];
  readonly #findDevice: FindDevice;

  constructor(findDevice: FindDevice = () => undefined, ended: readonly Incident[] = []) {
    this.#findDevice = findDevice;
    this.#ended = [...ended];
  }

  /** Open ones first, those that cost most on top; then ended ones, the latest first. */
  get all(): readonly Incident[] {
    const open = [...this.#open.values()].map(({ incident }) => incident);
    return [...open.sort((a, b) => b.gpus.length * b.loss_ratio - a.gpus.length * a.loss_ratio), ...this.#ended];
  }

  get open(): readonly Incident[] {
    return this.all.filter(({ state }) => state === 'open');
  }

  find(id: string): Incident | undefined {
    return this.all.find((one) => one.id === id);
  }

  take({ slot, live }: Step): void {
    // One that is open goes on with any of its GPUs, also after a pause of the job.
    for (const [key, members] of Map.groupBy(live.filter(isLoss), keyOf)) {
      if (this.#open.has(key) || members.some((one) => hasLasted(one, slot))) this.#renew(key, members, slot);
    }
    for (const [key, open] of this.#open) {
      if (slot - open.lastSlot < END_AFTER_SLOTS) continue;
      this.#open.delete(key);
      const endedMs = (open.lastSlot + 1) * SLOT_MS;
      this.#ended = [{ ...open.incident, state: 'ended' as const, ended_ms: endedMs }, ...this.#ended].slice(
        0,
        ENDED_KEPT,
      );
    }
  }

  #renew(key: string, members: readonly GpuJudgement[], slot: number): void {
    const known = this.#open.get(key);
    const sinceMs = known?.sinceMs ?? Math.min(...members.map(({ sinceSlot }) => sinceSlot)) * SLOT_MS;
    const id = known?.id ?? `${(sinceMs / 1000).toString(36)}-${shortHash(key)}`;
    const lost = (known?.lostGpuSeconds ?? 0) + members.reduce((sum, { verdict }) => sum + verdict.loss * SLOT_S, 0);
    const incident = this.#tell(members, { id, sinceMs, lost });
    this.#open.set(key, { id, sinceMs, lastSlot: slot, lostGpuSeconds: lost, members, incident });
  }

  #tell(
    members: readonly GpuJudgement[],
    { id, sinceMs, lost }: { readonly id: string; readonly sinceMs: number; readonly lost: number },
  ): Incident {
    const [worst] = [...members].sort((a, b) => b.verdict.loss - a.verdict.loss);
    if (!worst) throw new RangeError('an incident without GPUs');
    const { verdict, job, ruledOut, next } = worst;
    const loss = members.reduce((sum, one) => sum + one.verdict.loss, 0) / members.length;
    const found = this.#findDevice(worst);
    const evidence = [
      ...(found?.figures ?? []),
      ...verdict.evidence.filter(({ signal }) => !found?.figures.some((one) => one.signal === signal)),
    ];
    const nodes = [...new Set(members.map(({ node }) => node))];
    const told = {
      id,
      cause: verdict.cause,
      owner: verdict.owner,
      severity: severityOf(verdict.cause, { nodes: nodes.length, loss }),
      confidence: verdict.confidence,
      state: 'open' as const,
      since_ms: sinceMs,
      ended_ms: null,
      job_id: oneOf(members.map((one) => one.job?.id ?? null)),
      user: oneOf(members.map((one) => one.job?.user ?? null)) ?? job?.user ?? null,
      nodes,
      gpus: members.map(({ node, gpu, uuid }) => ({ node, gpu, uuid })),
      culprit: culpritOf(worst, found?.device),
      lost_gpu_seconds: Math.round(lost),
      loss_ratio: loss,
      predicted_speedup: speedupOf(loss, next?.share),
      next_limit: next?.signal ?? null,
      evidence: evidence.map(figureOf),
      ruled_out: ruledOut.map(figureOf),
      advice: causes[verdict.cause].advice,
    };
    return { ...told, title: causes[verdict.cause].title, text: explain(told) };
  }
}

/** Up to the next limit: the stage that is busy for a larger share of a step than the GPU itself. */
function speedupOf(loss: number, nextShare: number | undefined): number {
  const effective = Math.max(0.02, 1 - loss);
  return Math.max(1, nextShare === undefined ? 1 / effective : Math.min(1 / effective, 1 / nextShare));
}

function isLoss({ verdict }: GpuJudgement): boolean {
  const family = verdict.class.split('.')[0] ?? '';
  return !['productive', 'phase', 'free', 'unobserved', 'service'].includes(family) && verdict.cause !== 'planned';
}

function hasLasted({ verdict, sinceSlot }: GpuJudgement, slot: number): boolean {
  return verdict.cause === 'fault' || slot - sinceSlot >= OPEN_AFTER_SLOTS;
}

/** One incident per job, or per node where no job is known; what a culprit causes belongs to the culprit. */
function keyOf({ verdict, node, job }: GpuJudgement): string {
  const { cause, culprit } = verdict;
  if (culprit) return `${cause} ${culprit.node} ${culprit.uuid ?? ''}`;
  // One server behind them all.
  if (cause === 'storage.network') return cause;
  const ofNode = causes[cause].owner === 'hardware' || cause === 'storage.nvme' || cause.startsWith('cpu');
  return ofNode || !job ? `${cause} ${node}` : `${cause} job ${job.id}`;
}

function culpritOf({ verdict, node, gpu }: GpuJudgement, device: string | undefined): IncidentCulprit | null {
  const { culprit, cause } = verdict;
  if (device !== undefined) return { node, gpu: null, device, cause: isCause(cause) ? cause : null };
  if (culprit)
    return {
      node: culprit.node,
      gpu: culprit.uuid === undefined ? null : gpu,
      device: null,
      cause: culprit.cause ?? null,
    };
  return null;
}

function figureOf(evidence: Evidence): IncidentFigure {
  const { signal, value, against } = evidence;
  return {
    signal,
    title: titleOf(signal),
    text: showFigure(evidence, value),
    value,
    against: against ? { kind: against.kind, value: against.value, text: showFigure(evidence, against.value) } : null,
  };
}

function oneOf<T>(all: readonly T[]): T | null {
  const [first] = all;
  return first !== undefined && all.every((one) => one === first) ? first : null;
}

/** FNV-1a. */
function shortHash(text: string): string {
  let hash = 0x811c9dc5;
  for (const letter of text) hash = Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 0x01000193);
  return (hash >>> 0).toString(36);
}
