// A cgroup of the old hierarchies, one for each controller. Documentation/admin-guide/cgroup-v1/cpuacct.rst, memory.rst,
// cpusets.rst, blkio-controller.rst.
import { absent, isAbsent } from '#agent/contract';
import { parseIoServiceBytes } from '../../parse/cgroup-io.ts';
import { cpuCount, numberAt, numbersAt, wholeNumber, type CgroupFiles } from './cgroup-files.ts';
import type { CgroupAmount, OpenCgroup } from './cgroup-use.ts';
import { CgroupDisks } from './disks.ts';

const NS_PER_US = 1000;

/** `directoryOf` gives the cgroup's directory below a controller. */
export function openV1(files: CgroupFiles, directoryOf: (controller: string) => string): OpenCgroup {
  // systemd mounts both together.
  const ofCpu = (name: string): readonly string[] =>
    ['cpuacct', 'cpu', 'cpu,cpuacct'].map((controller) => `${directoryOf(controller)}/${name}`);
  const of = (controller: string, ...names: readonly string[]): readonly string[] =>
    names.map((name) => `${directoryOf(controller)}/${name}`);
  const usage = files.open(ofCpu('cpuacct.usage'), wholeNumber);
  const throttled = files.open(ofCpu('cpu.stat'), numbersAt(['throttled_time ']));
  const cpus = files.open(of('cpuset', 'cpuset.effective_cpus', 'cpuset.cpus'), cpuCount);
  const memory = files.open(of('memory', 'memory.usage_in_bytes'), wholeNumber);
  const oom = files.open(of('memory', 'memory.oom_control'), numbersAt(['oom_kill ', 'under_oom ']));
  const io = files.open(of('blkio', 'blkio.throttle.io_service_bytes_recursive', 'blkio.throttle.io_service_bytes'), {
    parse: parseIoServiceBytes,
  });
  const disks = new CgroupDisks(files.tree);
  const none = absent('unsupported');
  return {
    readTimes: () => ({
      cpu: inMicroseconds(usage.read()),
      throttled: inMicroseconds(numberAt(throttled.read(), 0)),
      ...{ cpuWaiting: none, ioWaiting: none, ioStalled: none, memoryWaiting: none, memoryStalled: none },
    }),
    readUse: () => ({
      cpus: cpus.read(),
      memoryBytes: memory.read(),
      oomKills: numberAt(oom.read(), 0),
      ...disks.sum(io.read()),
    }),
    close: () => {
      files.close();
    },
  };
}

function inMicroseconds(nanoseconds: CgroupAmount): CgroupAmount {
  return isAbsent(nanoseconds) ? nanoseconds : Math.floor(nanoseconds / NS_PER_US);
}
