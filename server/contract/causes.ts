// The causes a verdict may name: the words of filters, --fault and URLs. Each is booked under one leaf class.
import type { LeafClass, Owner } from './verdicts.ts';

interface CauseDetails {
  readonly class: LeafClass;
  readonly title: string;
  readonly owner: Owner;
  /** The one change to make. */
  readonly advice: string;
}

const cause = (leaf: LeafClass, owner: Owner, title: string, advice: string): CauseDetails => ({
  class: leaf,
  owner,
  title,
  advice,
});

export const causes = {
  none: cause('productive.compute', 'user', 'works', ''),
  launch_bound: cause(
    'productive.compute',
    'user',
    'small kernels, launched one by one',
    'Fuse kernels or capture them in CUDA graphs; a larger batch helps too.',
  ),
  small_batch: cause(
    'productive.compute',
    'user',
    'too little work per kernel',
    'Raise the batch size, or share the GPU with another job.',
  ),
  'storage.nvme': cause(
    'starved.storage_local',
    'platform',
    'waits for a local drive',
    'Look at the drive named; pack small files into shards, or stage the data in memory.',
  ),
  'storage.network': cause(
    'starved.storage_network',
    'platform',
    'waits for shared storage',
    'Look at the server and who else reads from it; cache the data on local drives.',
  ),
  storage: cause(
    'starved.storage',
    'platform',
    'waits for storage',
    'Cache the data on local drives, or pack small files into shards.',
  ),
  'cpu.exhausted': cause(
    'starved.cpu',
    'user',
    'waits for CPUs',
    'Ask for more cores, lighten the preprocessing, or decode on the GPU.',
  ),
  'cpu.too_few_workers': cause(
    'starved.workers',
    'user',
    'too few loader workers',
    'Raise the number of loader workers: cores are free.',
  ),
  'h2d.pcie': cause(
    'starved.h2d',
    'user',
    'waits for copies to the GPU',
    'Pin host memory and copy asynchronously; send a smaller data type.',
  ),
  nvlink: cause(
    'comm.nvlink',
    'platform',
    'waits for NVLink',
    'Overlap communication with computing: larger buckets, another sharding stage.',
  ),
  'ib.bandwidth': cause(
    'comm.ib',
    'platform',
    'waits for InfiniBand bandwidth',
    'Send less or less often: accumulate gradients, compress, use all rails.',
  ),
  'ib.congestion': cause(
    'comm.ib',
    'platform',
    'waits in a congested fabric',
    'Look at the ports named and at who shares their switch; check the routing.',
  ),
  rail_imbalance: cause(
    'comm.ib',
    'platform',
    'uses its InfiniBand rails unevenly',
    'Check which adapters NCCL uses, and the cable of the rail that is quiet.',
  ),
  straggler: cause(
    'comm.straggler',
    'unknown',
    'waits for a slower rank',
    'Look at the rank named: what holds it back holds all.',
  ),
  imbalance: cause(
    'comm.imbalance',
    'user',
    'uneven work between ranks',
    'Balance the pipeline stages, or sort inputs by length.',
  ),
  hang: cause(
    'comm.hang',
    'user',
    'hangs in communication',
    'Take the stacks of all ranks, then restart from the last checkpoint.',
  ),
  power_cap: cause(
    'slowed.power',
    'platform',
    'slowed by its power cap',
    'Raise the power limit if the rack allows it.',
  ),
  thermal: cause('slowed.thermal', 'hardware', 'slowed by heat', 'Check fans and airflow; compare the neighbours.'),
  clocks_locked: cause('slowed.clock', 'platform', 'clocks locked low', 'Reset the application clocks.'),
  power_brake: cause(
    'slowed.power',
    'hardware',
    'slowed by the power supply',
    'Check power supplies and the power distribution of the rack.',
  ),
  link_degraded: cause('slowed.link', 'hardware', 'slowed by a degraded link', 'Reseat the card or cable named.'),
  fault: cause('out.fault', 'hardware', 'broken', 'Drain the node; follow the runbook of the fault named.'),
  'held.no_process': cause(
    'held.no_process',
    'user',
    'allocated, no process',
    'End the job, or repair what should have started on it.',
  ),
  'held.idle': cause('held.idle', 'user', 'held idle', 'Release the GPU: end the session that holds it.'),
  startup: cause('phase.startup', 'user', 'starting up', ''),
  checkpoint: cause('phase.checkpoint', 'user', 'writes a checkpoint', 'Write checkpoints asynchronously.'),
  eval: cause('phase.eval', 'user', 'between epochs', ''),
  low_demand: cause('service.low_demand', 'service', 'serves little demand', 'Scale down, or share the GPU.'),
  /** free.stranded where a job waits that does not fit. */
  free: cause('free.no_demand', 'scheduler', 'free', ''),
  planned: cause('out.planned', 'ops', 'out of service as planned', ''),
  unobserved: cause('unobserved', 'unknown', 'not observed', 'Check the agent and the network of the node.'),
  unknown: cause(
    'starved.unknown',
    'unknown',
    'starved, cause unknown',
    'See what could not be observed on this node.',
  ),
} as const satisfies Record<string, CauseDetails>;

export type Cause = keyof typeof causes;

const isCauseName = (text: string): text is Cause => Object.hasOwn(causes, text);
export const causeNames: readonly Cause[] = Object.keys(causes).filter(isCauseName);
export { isCauseName as isCause };

export const confidences = ['low', 'medium', 'high'] as const;
export type Confidence = (typeof confidences)[number];
