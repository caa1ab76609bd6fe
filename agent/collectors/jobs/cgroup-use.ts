// What one cgroup used, and where cgroups are. Documentation/admin-guide/cgroup-v2.rst.
import type { Absence } from '#agent/contract';

export const CGROUP_ROOT = 'sys/fs/cgroup';

export type CgroupAmount = number | Absence;

/** In microseconds. */
export interface CgroupTimes {
  readonly cpu: CgroupAmount;
  readonly throttled: CgroupAmount;
  readonly cpuWaiting: CgroupAmount;
  readonly ioWaiting: CgroupAmount;
  readonly ioStalled: CgroupAmount;
  readonly memoryWaiting: CgroupAmount;
  readonly memoryStalled: CgroupAmount;
}

export interface CgroupUse {
  /** CPUs that it may use. */
  readonly cpus: CgroupAmount;
  readonly memoryBytes: CgroupAmount;
  readonly oomKills: CgroupAmount;
  readonly readBytes: CgroupAmount;
  readonly writtenBytes: CgroupAmount;
}

export interface OpenCgroup {
  readTimes(): CgroupTimes;
  readUse(): CgroupUse;
  close(): void;
}
