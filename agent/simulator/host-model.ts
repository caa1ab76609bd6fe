// What a node's host shows while jobs run on its GPUs: CPU, disks, network, InfiniBand, memory, pressure.
// Everything follows from the same paces as the GPUs do, so that cause and effect appear together.
import type { NodeHardware } from './hardware.ts';
import { blockedPerGpu, jobPressureOf, loaderCoresOf, mainThreadCoresOf } from './host-needs.ts';
import { stripedReadBytesPerS, type Pace } from './pace.ts';
import { noiseAt, smoothNoiseAt } from './random.ts';
import type { SharedLoad } from './shared-storage.ts';

export interface CpuLoad {
  /** Shares of one CPU, 0–1. */
  user: number;
  system: number;
  iowait: number;
}

export interface DiskLoad {
  readonly readBytesPerS: number;
  readonly writeBytesPerS: number;
  readonly readsPerS: number;
  readonly writesPerS: number;
  /** Seconds per I/O. */
  readonly readWaitS: number;
  readonly writeWaitS: number;
}

export interface PortLoad {
  readonly rxBytesPerS: number;
  readonly txBytesPerS: number;
  /** Share of time with data and no credit. */
  readonly waitShare: number;
}

export interface HostLoad {
  readonly cpus: readonly CpuLoad[];
  readonly running: number;
  readonly blocked: number;
  readonly drives: readonly DiskLoad[];
  readonly systemDisk: DiskLoad;
  readonly ports: readonly PortLoad[];
  readonly storageNetwork: { readonly rxBytesPerS: number; readonly txBytesPerS: number };
  /** What goes to and from shared file systems. */
  readonly shared: SharedLoad;
  readonly managementNetwork: { readonly rxBytesPerS: number; readonly txBytesPerS: number };
  readonly memoryUsedBytes: number;
  readonly cachedBytes: number;
  readonly dirtyBytes: number;
  /** Shares of time. */
  readonly pressure: { readonly cpu: number; readonly ioSome: number; readonly ioFull: number };
}

/** One job's GPUs on this node. */
export interface LocalWork {
  readonly pace: Pace;
  readonly gpus: readonly number[];
}

export const PORT_BYTES_PER_S = 12.5e9;
const GIB = 1024 ** 3;
const IO_BYTES = 256 * 1024;
const BASE_MEMORY_BYTES = 11 * GIB;

/** `ports` is what the fabric carries for the node. */
export function hostLoadOf(
  hardware: NodeHardware,
  work: readonly LocalWork[],
  { timeS, ports }: { readonly timeS: number; readonly ports: readonly PortLoad[] },
): HostLoad {
  const traffic = trafficOf(hardware, work);
  const cpus = cpuLoads(hardware, work, timeS);
  const busy = cpus.reduce((sum, cpu) => sum + cpu.user + cpu.system, 0);
  const queued = work.reduce((sum, one) => sum + queuedWorkers(hardware, one), 0);
  const blocked = work.reduce((sum, one) => sum + blockedWorkers(one), 0);
  return {
    cpus,
    running: Math.max(1, Math.round(busy + queued)),
    blocked: Math.round(blocked),
    drives: hardware.drives.map((drive) => driveLoad(hardware, drive.health, traffic)),
    systemDisk: systemDiskLoad(hardware, timeS),
    ports,
    storageNetwork: {
      rxBytesPerS: traffic.sharedRead + 2000,
      txBytesPerS: traffic.sharedWrite + traffic.sharedRead * 0.004 + 2000,
    },
    shared: sharedLoadOf(work, traffic),
    managementNetwork: {
      rxBytesPerS: 4000 + 30_000 * noiseAt(hardware.index + 900, Math.floor(timeS)),
      txBytesPerS: 6000 + 90_000 * noiseAt(hardware.index + 901, Math.floor(timeS)),
    },
    ...memoryOf(hardware, work, { timeS, traffic }),
    pressure: pressureOf(hardware, work),
  };
}

interface Traffic {
  readonly localRead: number;
  readonly localWrite: number;
  readonly sharedRead: number;
  readonly sharedWrite: number;
}

function trafficOf(hardware: NodeHardware, work: readonly LocalWork[]): Traffic {
  const sum = { localRead: 0, localWrite: 0, sharedRead: 0, sharedWrite: 0 };
  for (const { pace, gpus } of work) {
    const { needs, rhythm } = pace.job;
    if (pace.phase === 'run') {
      const bytes = needs.readBytesPerS * pace.speed * gpus.length;
      if (needs.dataset === 'local') sum.localRead += bytes;
      if (needs.dataset === 'shared') sum.sharedRead += bytes;
    } else if (pace.phase === 'startup') {
      // Software and weights come from the shared file system.
      sum.sharedRead += 60e6 * gpus.length * (1 - pace.progress);
    } else if (pace.phase === 'checkpoint') {
      const bytes = (rhythm.checkpointBytesPerS * gpus.length) / Math.max(gpus.length, 4);
      if (needs.dataset === 'local') sum.localWrite += bytes;
      else sum.sharedWrite += bytes;
    }
  }
  return { ...sum, localRead: Math.min(sum.localRead, stripedReadBytesPerS(hardware)) };
}

/** Software and what people edit are at home. */
function sharedLoadOf(work: readonly LocalWork[], { sharedRead, sharedWrite }: Traffic): SharedLoad {
  const starting = work.filter(({ pace }) => pace.phase === 'startup').length;
  return {
    readBytesPerS: sharedRead,
    writeBytesPerS: sharedWrite,
    homeReadBytesPerS: 8000 + 2.5e6 * starting,
    homeWriteBytesPerS: 1500 + 12_000 * work.length,
  };
}

/** Latency grows as the drive fills up: base / (1 − load). A worn drive has a longer base. */
function driveLoad({ platform, drives }: NodeHardware, health: number, traffic: Traffic): DiskLoad {
  const readBytesPerS = traffic.localRead / drives.length;
  const writeBytesPerS = traffic.localWrite / drives.length;
  const load =
    readBytesPerS / (platform.drive.readBytesPerS * health) +
    writeBytesPerS / (platform.drive.writeBytesPerS * Math.sqrt(health));
  const growth = 1 / (1 - Math.min(load, 0.93));
  return {
    readBytesPerS,
    writeBytesPerS,
    readsPerS: readBytesPerS / IO_BYTES,
    writesPerS: writeBytesPerS / IO_BYTES,
    readWaitS: (health < 1 ? 0.003 : 0.00014) * growth,
    writeWaitS: (health < 1 ? 0.0016 : 0.00006) * growth,
  };
}

function systemDiskLoad({ index }: NodeHardware, timeS: number): DiskLoad {
  const noise = noiseAt(index + 300, Math.floor(timeS));
  const writeBytesPerS = 20_000 + 180_000 * noise * noise;
  return {
    readBytesPerS: noise > 0.8 ? 16_384 : 0,
    writeBytesPerS,
    readsPerS: noise > 0.8 ? 4 : 0,
    writesPerS: writeBytesPerS / 12_288,
    readWaitS: 0.0003,
    writeWaitS: 0.0006,
  };
}

/** Fills the CPUs of each GPU's share one after the other: a lone busy thread stays one full CPU. */
function cpuLoads({ cpus, gpus, index }: NodeHardware, work: readonly LocalWork[], timeS: number): CpuLoad[] {
  const loads = Array.from({ length: cpus }, (_, cpu): CpuLoad => {
    const noise = noiseAt(index * 128 + cpu + 5000, Math.floor(timeS));
    return { user: 0.004 + 0.012 * noise, system: 0.003 + 0.006 * noise, iowait: 0 };
  });
  for (const one of work) {
    for (const gpu of one.gpus) {
      const own = gpus[gpu]?.cpus ?? [];
      const noise = noiseAt(one.pace.job.stream + gpu, Math.floor(timeS) + 7);
      let rest = Math.min(busyCores(one.pace) * (0.95 + 0.1 * noise), own.length * 0.985);
      let waiting = Math.min(blockedPerGpu(one.pace), own.length - rest);
      for (const cpu of own) {
        const load = loads[cpu];
        if (!load) continue;
        const busy = Math.min(rest, 0.985);
        rest -= busy;
        const iowait = Math.min(waiting, Math.max(0, 0.97 - busy - load.user - load.system));
        waiting -= iowait;
        load.user = Math.min(load.user + busy * 0.9, 0.9);
        load.system = Math.min(load.system + busy * 0.1, 0.1);
        load.iowait += iowait;
      }
    }
  }
  return loads;
}

/** CPU cores that one GPU's processes keep busy: the loader's work and the thread that feeds the GPU. */
function busyCores(pace: Pace): number {
  return loaderCoresOf(pace) + mainThreadCoresOf(pace);
}

function blockedWorkers({ pace, gpus }: LocalWork): number {
  return blockedPerGpu(pace) * gpus.length;
}

/** Workers that could run and find no CPU. */
function queuedWorkers({ gpus }: NodeHardware, { pace, gpus: own }: LocalWork): number {
  if (pace.phase !== 'run' || pace.limit !== 'cpu') return 0;
  const cpus = gpus[0]?.cpus.length ?? 1;
  return Math.max(0, Math.min(pace.job.needs.loaderCores, pace.job.needs.workers) + 1 - cpus) * own.length;
}

/** A node is under pressure as far as its hardest pressed job is. */
function pressureOf(hardware: NodeHardware, work: readonly LocalWork[]): HostLoad['pressure'] {
  let cpu = 0.006;
  let io = 0.002;
  for (const { pace, gpus } of work) {
    const own = jobPressureOf(pace, gpus.length / hardware.gpus.length);
    cpu = Math.max(cpu, own.cpu);
    io = Math.max(io, own.io);
  }
  return { cpu: Math.min(cpu, 0.99), ioSome: Math.min(io, 0.99), ioFull: Math.min(io * 0.55, 0.99) };
}

function memoryOf(
  { platform, index }: NodeHardware,
  work: readonly LocalWork[],
  { timeS, traffic }: { readonly timeS: number; readonly traffic: Traffic },
): Pick<HostLoad, 'memoryUsedBytes' | 'cachedBytes' | 'dirtyBytes'> {
  const total = platform.memoryKiB * 1024;
  const own = work.reduce((sum, { pace, gpus }) => {
    const share = pace.phase === 'none' ? 0 : pace.phase === 'startup' ? pace.progress : 1;
    return sum + pace.job.needs.hostMemoryBytes * gpus.length * share;
  }, 0);
  const memoryUsedBytes = Math.min(BASE_MEMORY_BYTES + own, total * 0.9);
  const cached = (total - memoryUsedBytes) * (0.5 + 0.3 * smoothNoiseAt(index + 40, timeS, 900));
  return {
    memoryUsedBytes,
    cachedBytes: cached,
    dirtyBytes: 2e6 + (traffic.localWrite + traffic.sharedWrite) * 3,
  };
}
