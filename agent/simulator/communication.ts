// What the GPUs of a job send each other: all-reduce in rings, over NVLink within a node and over InfiniBand between nodes.
import type { NodeHardware } from './hardware.ts';
import { PORT_BYTES_PER_S, type LocalWork } from './host-model.ts';
import { LINKS_PER_GPU, NVLINK_BYTES_PER_S, nvlinksOf } from './nvlink.ts';
import { noiseAt } from './random.ts';

/** Bytes per second by GPU and link. */
export interface LinkLoad {
  readonly tx: readonly number[];
  readonly rx: readonly number[];
}

/** Payload that gets through of a link's raw speed. */
const NVLINK_SHARE = 0.92;
const MOST_GRADIENT_BYTES_PER_S = 5.6e9;
const LEAST_GRADIENT_BYTES_PER_S = 0.4e9;

/** Bytes each GPU of the job sends on in the rings, at the pace of the job. */
export function ringBytesPerS({ pace, gpus }: LocalWork, { gpus: all, hcas }: NodeHardware): number {
  const { job, phase, speed, fabric } = pace;
  const members = job.places.reduce((sum, place) => sum + place.gpus.length, 0);
  if (phase !== 'run' || members < 2) return 0;
  if (job.places.length > 1) {
    // Every ring crosses the node's border once: what one GPU passes on in all rings is what the node's ports carry.
    return (gpus.length / (all.length / hcas.length)) * job.needs.fabricLoad * speed * fabric * PORT_BYTES_PER_S;
  }
  if (!reduces.has(job.kind)) return 0;
  const size = noiseAt(job.stream, 4242) ** 2;
  const gradients = LEAST_GRADIENT_BYTES_PER_S + (MOST_GRADIENT_BYTES_PER_S - LEAST_GRADIENT_BYTES_PER_S) * size;
  // Reduce-scatter and all-gather: each member sends 2(n − 1)/n of the gradients.
  return ((2 * (members - 1)) / members) * gradients * speed;
}

/** GPU memory that a port's adapter reads and writes for each of its GPUs, both ways. */
export function fabricBytesPerS({ pace }: LocalWork, { gpus, hcas }: NodeHardware): number {
  if (pace.phase !== 'run' || pace.job.places.length < 2) return 0;
  return (pace.job.needs.fabricLoad * pace.speed * pace.fabric * PORT_BYTES_PER_S) / (gpus.length / hcas.length);
}

/** What goes over each link of each GPU; what one end sends is what the other receives. */
export function linkLoads(hardware: NodeHardware, work: readonly LocalWork[], timeS: number): readonly LinkLoad[] {
  const ends = nvlinksOf(hardware.platform.name);
  const tx = ends.map(() => new Array<number>(LINKS_PER_GPU).fill(0));
  for (const one of work) {
    const bytes = ringBytesPerS(one, hardware);
    if (bytes === 0 || one.gpus.length < 2) continue;
    for (const gpu of one.gpus)
      spread(tx[gpu], ends[gpu], { members: one.gpus, bytes: bytes * jitter(one, gpu, timeS) });
  }
  return ends.map((links, gpu) => ({
    tx: tx[gpu] ?? [],
    rx: links.map((end, link) => (end.kind === 'gpu' ? tx[end.gpu]?.[end.link] : tx[gpu]?.[link]) ?? 0),
  }));
}

/** Evenly over the links that lead to members; a GPU without one goes over PCIe. */
function spread(
  load: number[] | undefined,
  links: readonly { readonly kind: string; readonly gpu?: number }[] | undefined,
  { members, bytes }: { readonly members: readonly number[]; readonly bytes: number },
): void {
  const used = (links ?? []).flatMap(({ gpu }, link) => (gpu === undefined || members.includes(gpu) ? [link] : []));
  const each = Math.min(bytes / used.length, NVLINK_BYTES_PER_S * NVLINK_SHARE);
  for (const link of used) if (load) load[link] = (load[link] ?? 0) + each;
}

function jitter({ pace }: LocalWork, gpu: number, timeS: number): number {
  return 0.96 + 0.08 * noiseAt(pace.job.stream + gpu, Math.floor(timeS) + 31);
}

/** Kinds of jobs that average gradients over their GPUs. */
const reduces: ReadonlySet<string> = new Set([
  'training',
  'distributed',
  'communication_bound',
  'storage_bound',
  'cpu_bound',
  'too_few_workers',
]);
