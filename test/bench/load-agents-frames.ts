// Ten minutes of a busy node of 8 GPUs, encoded beforehand by the agent's own encoder: 720 series of the catalogue, about
// 31 % of which change every second, a key frame a minute.
import {
  agentCatalogue,
  agentMetricIds,
  FrameEncoder,
  PRESENT,
  rowOf,
  type AgentMetricId,
  type SchemaMessage,
} from '#agent/contract';

const CHANGING_SHARE = 0.31;
const CYCLE_S = 600;
export const KEY_EVERY = 60;
const DEVICES = 8;

/** What follows the head (kind, seq, generation, time) of a frame: all that is the same whoever sends it when. */
export interface FrameBody {
  readonly key: boolean;
  readonly bytes: Uint8Array;
}

export interface BuiltFrames {
  readonly schema: SchemaMessage;
  /** Sent one after another, and again from the first. */
  readonly bodies: readonly FrameBody[];
}

interface BusySeries {
  readonly id: AgentMetricId;
  readonly labels: readonly string[];
  steps: number;
  readonly state: number;
}

export function buildFrames(): BuiltFrames {
  const random = generator(7);
  const series = busyNode();
  const encoder = new FrameEncoder();
  const moving = series.filter(({ id }) => !isConstant(id));
  const share = (CHANGING_SHARE * series.length) / moving.length;
  const bodies = Array.from({ length: CYCLE_S }, (_, second) => {
    for (const one of moving) if (random() < share) move(one, random);
    const head = { seq: 0, generation: 0, timeMs: 0 };
    const key = second % KEY_EVERY === 0;
    const bytes = key ? encoder.key(head, series) : encoder.delta(head, series);
    // Kind and three zeros, one byte each.
    return { key, bytes: bytes.subarray(4) };
  });
  return { schema: { generation: 1, series: series.map(({ id, labels }) => [id, [...labels]]) }, bodies };
}

/** 8 GPUs × 45, 8 ports × 25, 8 drives × 12, 64 of the host. */
function busyNode(): BusySeries[] {
  const gpus = rowsOf((id, [first, second]) => first === 'gpu' && second === 'uuid' && !/process_|xid|mig_/.test(id));
  const needed: readonly AgentMetricId[] = ['gpu_processes', 'gpu_energy_joules_total', 'gpu_throttle_seconds_total'];
  const ofGpu = [...gpus.filter((id) => !needed.includes(id)).slice(0, 45 - needed.length), ...needed];
  const ofPort = rowsOf((id, labels) => id.startsWith('infiniband_') && labels.join() === 'device,port');
  const ofDrive = rowsOf((id) => id.startsWith('disk_') && id.endsWith('_total'));
  const ofHost = rowsOf((_, labels) => labels.length === 0);
  const single = ofHost.map((id): BusySeries => seriesOf(id, 0));
  return [
    ...eachDevice(ofGpu, 45),
    ...eachDevice(ofPort, 25),
    ...eachDevice(ofDrive, 12),
    ...single,
    ...Array.from({ length: 64 - single.length }, (_, at) => seriesOf('cpu_seconds_total', at)),
  ];
}

function rowsOf(fits: (id: AgentMetricId, labels: readonly string[]) => boolean): AgentMetricId[] {
  return agentMetricIds.filter((id) => fits(id, rowOf(id).labels));
}

function eachDevice(ids: readonly AgentMetricId[], count: number): BusySeries[] {
  if (ids.length < count) throw new Error(`the catalogue has ${ids.length} such rows, not ${count}`);
  return Array.from({ length: DEVICES }, (_, device) => ids.slice(0, count).map((id) => seriesOf(id, device))).flat();
}

function seriesOf(id: AgentMetricId, device: number): BusySeries {
  const labels = agentCatalogue[id].labels.map((label) => labelOf(label, device));
  return { id, labels, steps: firstSteps(id), state: PRESENT };
}

function labelOf(label: string, device: number): string {
  switch (label) {
    case 'gpu':
      return String(device);
    case 'uuid':
      return `GPU-8f2c1d0e-5a77-4b19-9d53-00000000000${device}`;
    case 'pci_bus_id':
      return `0000:${(16 + device * 8).toString(16)}:00.0`;
    case 'device':
      return `mlx5_${device}`;
    case 'port':
      return '1';
    case 'name':
      return 'NVIDIA H100 80GB HBM3';
    case 'mig_gi':
    case 'mig_ci':
      return '';
    case 'kind':
      return 'compute';
    default:
      return `${label}${device}`;
  }
}

function firstSteps(id: AgentMetricId): number {
  const { kind, unit, scale } = rowOf(id);
  if (kind === 'counter') return 1e9;
  if (kind === 'info' || unit === 'boolean' || unit === 'none' || unit === 'count') return 1;
  return unit === 'bytes' ? 64e9 : scale * 50;
}

function isConstant(id: AgentMetricId): boolean {
  const { kind, unit } = rowOf(id);
  return kind === 'info' || unit === 'boolean' || (unit === 'none' && kind === 'gauge');
}

/** Many small steps, few large ones, as counters and levels have them. */
function move(series: BusySeries, random: () => number): void {
  const { kind, unit, scale } = rowOf(series.id);
  if (kind === 'counter') series.steps += Math.ceil(random() ** 4 * (unit === 'bytes' ? 4e9 : 1e6));
  else if (unit === 'ratio') series.steps = Math.round(random() * scale);
  else series.steps = Math.max(1, series.steps + Math.ceil((random() - 0.5) * Math.min(1e9, series.steps / 10)));
}

/** Numerical Recipes' generator: the same numbers in every run. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}
