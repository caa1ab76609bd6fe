// All collectors, in the order in which a tick reads them.
import { block } from './block.ts';
import type { Collector } from './collector.ts';
import { cpu } from './cpu.ts';
import { edac } from './edac.ts';
import { gds } from './gds.ts';
import { gpfs } from './gpfs.ts';
import { gpu } from './gpu.ts';
import { host } from './host.ts';
import { hwmon } from './hwmon.ts';
import { infiniband } from './infiniband.ts';
import { jobs } from './jobs.ts';
import { lustre } from './lustre.ts';
import { memory } from './memory.ts';
import { mounts } from './mounts.ts';
import { network } from './network.ts';
import { nfs } from './nfs.ts';
import { nvme } from './nvme.ts';
import { pcie } from './pcie.ts';
import { pressure } from './pressure.ts';
import { process } from './process.ts';

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
  nfs,
  lustre,
  gpfs,
  gds,
  host,
  pcie,
  edac,
  hwmon,
  process,
  jobs,
];
