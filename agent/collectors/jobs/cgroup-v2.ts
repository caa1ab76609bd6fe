// A cgroup of the unified hierarchy. Documentation/admin-guide/cgroup-v2.rst.
import { absent, isAbsent } from '#agent/contract';
import { parseIoStat } from '../../parse/cgroup-io.ts';
import { PressureParser, type PressureTotals } from '../../parse/pressure.ts';
import { cpuCount, numberAt, numbersAt, wholeNumber, type CgroupFiles, type ReadableFile } from './cgroup-files.ts';
import type { CgroupAmount, OpenCgroup } from './cgroup-use.ts';
import { CgroupDisks } from './disks.ts';

export function openV2(files: CgroupFiles, directory: string): OpenCgroup {
  const at = (name: string): readonly string[] => [`${directory}/${name}`];
  const pressure = (name: string) => files.open(at(`${name}.pressure`), new PressureParser());
  const cpu = files.open(at('cpu.stat'), numbersAt(['usage_usec ', 'throttled_usec ']));
  const cpus = files.open(at('cpuset.cpus.effective'), cpuCount);
  const [cpuPressure, ioPressure, memoryPressure] = [pressure('cpu'), pressure('io'), pressure('memory')] as const;
  const memory = files.open(at('memory.current'), wholeNumber);
  const events = files.open(at('memory.events'), numbersAt(['oom_kill ', 'oom ']));
  const io = files.open(at('io.stat'), { parse: parseIoStat });
  const disks = new CgroupDisks(files.tree);
  return {
    readTimes: () => {
      const times = cpu.read();
      const [ofCpu, ofIo, ofMemory] = [totalsOf(cpuPressure), totalsOf(ioPressure), totalsOf(memoryPressure)] as const;
      return {
        ...{ cpu: numberAt(times, 0), throttled: numberAt(times, 1), cpuWaiting: ofCpu.some },
        ...{ ioWaiting: ofIo.some, ioStalled: ofIo.full, memoryWaiting: ofMemory.some, memoryStalled: ofMemory.full },
      };
    },
    readUse: () => ({
      cpus: cpus.read(),
      memoryBytes: memory.read(),
      oomKills: numberAt(events.read(), 0),
      ...disks.sum(io.read()),
    }),
    close: () => {
      files.close();
    },
  };
}

interface Totals {
  readonly some: CgroupAmount;
  readonly full: CgroupAmount;
}

function totalsOf(file: ReadableFile<Readonly<PressureTotals>>): Totals {
  const totals = file.read();
  if (isAbsent(totals)) return { some: totals, full: totals };
  return { some: totals.some ?? absent('unsupported'), full: totals.full ?? absent('unsupported') };
}
