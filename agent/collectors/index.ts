// All collectors, in the order in which a tick reads them.
import { block } from './block.ts';
import type { Collector } from './collector.ts';
import { cpu } from './cpu.ts';
import { gpu } from './gpu.ts';
import { host } from './host.ts';
import { infiniband } from './infiniband.ts';
import { memory } from './memory.ts';
import { mounts } from './mounts.ts';
import { network } from './network.ts';
import { nvme } from './nvme.ts';
import { pressure } from './pressure.ts';

export const collectors: readonly Collector[] = [
  gpu,
  infiniband,
  block,
  nvme,
  cpu,
  memory,
  pressure,
  network,
  mounts,
  host,
];
