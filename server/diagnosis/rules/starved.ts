// The input pipeline: storage, CPUs, loader workers, copies to the GPU. detection.md §4.2.
// A loader that keeps up has slack; one that is the bottleneck has none, and what its workers do says why.
import type { Features } from '../features.ts';
import type { Finding } from '../verdict.ts';
import { confidenceOf, evidence, figure, lossOf, WORTH_NAMING, type Rule } from './rule.ts';

const LITTLE_SLACK = 0.12;
const LOADED = 0.85;
const BUSY = 0.6;
/** Less than this is nobody's input. */
const FLOWS_BPS = 5e6;
/** Others use so much of the CPUs that it is their doing. */
const NEIGHBOUR = 0.3;
/** Latency by that of quiet drives. */
const SLOW = 3;

export const starvedRules: readonly Rule[] = [
  { cause: 'storage', needs: ['activity', 'workers'], find: findStorage },
  { cause: 'cpu.exhausted', needs: ['activity', 'workers'], find: findExhausted },
  { cause: 'cpu.too_few_workers', needs: ['activity', 'workers'], find: findTooFewWorkers },
  { cause: 'h2d.pcie', needs: ['busy', 'copies'], find: findCopies },
];

/** The loader is the bottleneck, and the GPU waits for it. */
function starves(features: Features): boolean {
  const { slack, mean } = features;
  // A main thread that never rests does not wait for data.
  if (mean.mainThread >= 0.92) return false;
  // A loader that fills its queues at the start of a job has no slack either.
  const sure = features.reference.kind === 'own' || features.busy < 0.9;
  return sure && lossOf(features) >= WORTH_NAMING && slack < LITTLE_SLACK;
}

function findStorage(features: Features): Finding | undefined {
  const { blocked, running, waiting, slack } = features;
  if (Number.isNaN(slack)) return findStorageUnseen(features);
  if (!starves(features) || blocked <= running + waiting) return undefined;
  const where = storageOf(features);
  const smallReads = where.kind !== 'unknown' && where.load < 0.5 && !(where.latency > SLOW);
  return {
    cause: where.cause,
    loss: lossOf(features),
    confidence: confidenceOf(features),
    // Small reads from a device that could do more are the program's own doing.
    ...(where.cause === 'storage.nvme' && smallReads && { owner: 'user' as const }),
    evidence: evidence(
      figure('workers_blocked', blocked),
      figure('workers_slack', slack),
      figure('storage_load', where.load),
      figure('storage_latency', where.seconds, { kind: 'before', value: where.quietSeconds }),
    ),
  };
}

/** Nobody sees the workers: only storage at its limit is told. */
function findStorageUnseen(features: Features): Finding | undefined {
  const where = storageOf(features);
  const { psiIo } = features.node;
  const limited = where.load > LOADED || where.latency > 2 * SLOW;
  if (lossOf(features) < WORTH_NAMING || !limited || psiIo < 0.5) return undefined;
  return {
    cause: where.cause,
    loss: lossOf(features),
    confidence: 'medium',
    evidence: evidence(
      figure('storage_load', where.load),
      figure('storage_latency', where.seconds, { kind: 'before', value: where.quietSeconds }),
      figure('pressure_io', psiIo),
    ),
  };
}

interface Storage {
  readonly kind: 'local' | 'shared' | 'unknown';
  readonly cause: 'storage.nvme' | 'storage.network' | 'storage';
  readonly load: number;
  /** By that of a quiet device. */
  readonly latency: number;
  readonly seconds: number;
  readonly quietSeconds: number;
}

/** The one that bears more: it is slow by its own measure, or gives most of the data. */
function storageOf({ node }: Features): Storage {
  const local = {
    load: node.localReadBps / node.localCeilingBps,
    latency: node.localLatencyS / node.localQuietLatencyS,
    seconds: node.localLatencyS,
    quietSeconds: node.localQuietLatencyS,
  };
  const shared = {
    load: node.sharedReadBps / node.sharedCeilingBps,
    latency: node.sharedLatencyS / node.sharedQuietLatencyS,
    seconds: node.sharedLatencyS,
    quietSeconds: node.sharedQuietLatencyS,
  };
  const both = node.localReadBps + node.sharedReadBps;
  const localShare = Number.isNaN(both) ? (Number.isNaN(node.localReadBps) ? 0 : 1) : node.localReadBps / both;
  if (Number.isNaN(node.localReadBps) && Number.isNaN(node.sharedReadBps)) {
    return { kind: 'unknown', cause: 'storage', load: NaN, latency: NaN, seconds: NaN, quietSeconds: NaN };
  }
  const localSlow = local.latency > SLOW || local.load > BUSY;
  const sharedSlow = shared.latency > SLOW || shared.load > LOADED;
  if (sharedSlow && !localSlow) return { kind: 'shared', cause: 'storage.network', ...shared };
  if (localSlow && !sharedSlow) return { kind: 'local', cause: 'storage.nvme', ...local };
  // Drives that answer as if they were quiet, whoever reads from them, keep nobody waiting.
  const localWell = local.latency < SLOW && local.load < BUSY;
  if (localWell && node.sharedReadBps > FLOWS_BPS) return { kind: 'shared', cause: 'storage.network', ...shared };
  if (localShare > 0.7) return { kind: 'local', cause: 'storage.nvme', ...local };
  if (localShare < 0.3) return { kind: 'shared', cause: 'storage.network', ...shared };
  return { kind: 'unknown', cause: 'storage', load: NaN, latency: NaN, seconds: NaN, quietSeconds: NaN };
}

function findExhausted(features: Features): Finding | undefined {
  const { blocked, running, waiting, slack, node } = features;
  const unseen = Number.isNaN(slack);
  const full = node.hostCpu > 0.9;
  if (unseen && !(lossOf(features) >= WORTH_NAMING && full && node.psiCpu > 0.5)) return undefined;
  if (!unseen && (!starves(features) || blocked > running + waiting || !(waiting >= 0.1 || full))) return undefined;
  return {
    cause: 'cpu.exhausted',
    loss: lossOf(features),
    confidence: unseen ? 'medium' : confidenceOf(features),
    ...(othersCpu(features) > NEIGHBOUR && { owner: 'platform' as const }),
    evidence: evidence(
      figure('workers_waiting', waiting),
      figure('host_cpu', node.hostCpu),
      figure('pressure_cpu', node.psiCpu),
      figure('workers_slack', slack),
    ),
  };
}

/** Share of the host's CPUs that is not this job's: its loaders run on every GPU of the node alike. */
function othersCpu({ node, mean, cpus, nodeGpus }: Features): number {
  const own = (mean.workersRunning + mean.mainThread) * nodeGpus;
  return node.hostCpu - own / cpus;
}

function findTooFewWorkers(features: Features): Finding | undefined {
  const { blocked, running, waiting, mean, node } = features;
  if (mean.workers === 0) return findInlineLoader(features);
  if (!starves(features) || blocked > running + waiting || waiting >= 0.1 || node.hostCpu > 0.9) return undefined;
  return {
    cause: 'cpu.too_few_workers',
    loss: lossOf(features),
    confidence: confidenceOf(features),
    evidence: evidence(
      figure('workers_running', running),
      figure('workers', mean.workers),
      figure('workers_needed', Math.ceil(mean.workers / Math.max(0.05, features.effective))),
      figure('host_cpu', node.hostCpu),
    ),
  };
}

/** Nobody loads ahead: the main thread does it, and the GPU waits meanwhile. */
function findInlineLoader(features: Features): Finding | undefined {
  const { mean, busy, reference, activity, profiled, copies } = features;
  const dense = activity / busy >= 0.6 * ((profiled ? reference.sm : reference.power) / reference.busy);
  const loss = lossOf(features);
  // What the main thread does in the gaps, beyond what it does while kernels run.
  const gap = reference.busy - busy;
  const loading = mean.mainThread - (reference.mainThread * busy) / reference.busy;
  if (!(gap > 0.1) || !(loading >= 0.6 * gap) || !dense || copies >= 0.1) return undefined;
  if (loss < WORTH_NAMING) return undefined;
  return {
    cause: 'cpu.too_few_workers',
    loss,
    confidence: 'medium',
    evidence: evidence(figure('main_thread', mean.mainThread), figure('busy', busy), figure('workers', 0)),
  };
}

const COPY_AT_LEAST = 0.18;

function findCopies(features: Features): Finding | undefined {
  const { copies, busy, slack, reference, mean, facts } = features;
  const gap = 1 - busy;
  if (!(copies >= COPY_AT_LEAST && copies >= 0.45 * gap && gap > 0.12) || slack <= LITTLE_SLACK) return undefined;
  const loss = 1 - busy / reference.busy;
  if (loss < WORTH_NAMING) return undefined;
  const narrow = mean.pcieWidth < facts.pcieWidthMax || mean.pcieGeneration < facts.pcieGenerationMax;
  return {
    cause: narrow ? 'link_degraded' : 'h2d.pcie',
    loss,
    confidence: Number.isNaN(slack) ? 'medium' : 'high',
    evidence: evidence(
      figure('pcie_load', copies),
      figure('busy', busy, { kind: 'before', value: reference.busy }),
      figure('pcie_width', mean.pcieWidth, { kind: 'ceiling', value: facts.pcieWidthMax }),
      figure('workers_slack', slack),
    ),
  };
}
