// The running counts of a node since it booted, as its kernel keeps them: what flows is added up, nothing ever falls.
import { Counter } from './counter.ts';
import type { NodeHardware } from './hardware.ts';
import type { DiskLoad, HostLoad, PortLoad } from './host-model.ts';
import { Random } from './random.ts';
import { LustreCounters, NfsCounters } from './shared-storage.ts';

/** Fields of sys/block/DEV/stat that count, by the kernel's names; all times in milliseconds. */
export class DiskCounters {
  readonly reads: Counter;
  readonly readSectors: Counter;
  readonly readMs: Counter;
  readonly writes: Counter;
  readonly writeSectors: Counter;
  readonly writeMs: Counter;
  readonly busyMs: Counter;
  readonly queueMs: Counter;
  inFlight = 0;

  constructor(random: Random, readBytes: number, writeBytes: number) {
    const [read, written] = [random.between(0.5, 1) * readBytes, random.between(0.5, 1) * writeBytes];
    this.readSectors = new Counter(Math.floor(read / SECTOR));
    this.reads = new Counter(Math.floor(read / 262_144));
    this.readMs = new Counter(Math.floor(read / 1.6e6));
    this.writeSectors = new Counter(Math.floor(written / SECTOR));
    this.writes = new Counter(Math.floor(written / 262_144));
    this.writeMs = new Counter(Math.floor(written / 3.9e6));
    this.busyMs = new Counter(Math.floor((read + written) / 2.4e6));
    this.queueMs = new Counter(Math.floor(read / 1.6e6) + Math.floor(written / 3.9e6));
  }

  add(load: DiskLoad, seconds: number): void {
    const queue = load.readsPerS * load.readWaitS + load.writesPerS * load.writeWaitS;
    this.reads.add(load.readsPerS * seconds);
    this.readSectors.add((load.readBytesPerS * seconds) / SECTOR);
    this.readMs.add(load.readsPerS * load.readWaitS * 1000 * seconds);
    this.writes.add(load.writesPerS * seconds);
    this.writeSectors.add((load.writeBytesPerS * seconds) / SECTOR);
    this.writeMs.add(load.writesPerS * load.writeWaitS * 1000 * seconds);
    this.busyMs.add((1 - Math.exp(-queue)) * 1000 * seconds);
    this.queueMs.add(queue * 1000 * seconds);
    this.inFlight = Math.round(queue);
  }
}

/** How a device counts the time in which a port has data and no credit. */
export interface WaitCounting {
  readonly ticksPerS: number;
  readonly waitCeiling: number;
}

export class PortCounters {
  /** Words of four bytes. */
  readonly rxWords: Counter;
  readonly txWords: Counter;
  readonly rxPackets: Counter;
  readonly txPackets: Counter;
  readonly waitTicks: Counter;
  readonly #ticksPerS: number;

  /** Without options those of the simulated adapters. */
  constructor(random: Random, { ticksPerS, waitCeiling }: WaitCounting = ADAPTER_WAIT) {
    const [rx, tx] = [random.between(1e14, 6e14), random.between(1e14, 6e14)];
    this.#ticksPerS = ticksPerS;
    this.rxWords = new Counter(Math.floor(rx / WORD));
    this.txWords = new Counter(Math.floor(tx / WORD));
    this.rxPackets = new Counter(Math.floor(rx / PACKET_BYTES));
    this.txPackets = new Counter(Math.floor(tx / PACKET_BYTES));
    this.waitTicks = new Counter(random.integer(1e5, 5e7), waitCeiling);
  }

  add(load: PortLoad, seconds: number): void {
    this.rxWords.add((load.rxBytesPerS * seconds) / WORD);
    this.txWords.add((load.txBytesPerS * seconds) / WORD);
    this.rxPackets.add((load.rxBytesPerS * seconds) / PACKET_BYTES);
    this.txPackets.add((load.txBytesPerS * seconds) / PACKET_BYTES);
    this.waitTicks.add(load.waitShare * this.#ticksPerS * seconds);
  }
}

export class NetworkCounters {
  readonly rxBytes: Counter;
  readonly txBytes: Counter;
  readonly rxPackets: Counter;
  readonly txPackets: Counter;
  readonly #frameBytes: number;

  constructor(rxBytes: number, txBytes: number, frameBytes: number) {
    this.#frameBytes = frameBytes;
    this.rxBytes = new Counter(Math.floor(rxBytes));
    this.txBytes = new Counter(Math.floor(txBytes));
    this.rxPackets = new Counter(Math.floor(rxBytes / frameBytes));
    this.txPackets = new Counter(Math.floor(txBytes / frameBytes));
  }

  add(load: { readonly rxBytesPerS: number; readonly txBytesPerS: number }, seconds: number): void {
    this.rxBytes.add(load.rxBytesPerS * seconds);
    this.txBytes.add(load.txBytesPerS * seconds);
    this.rxPackets.add((load.rxBytesPerS / this.#frameBytes) * seconds);
    this.txPackets.add((load.txBytesPerS / this.#frameBytes) * seconds);
  }
}

/** Ticks of 1/100 s, as proc/stat prints them. */
export interface CpuTicks {
  readonly user: Counter;
  readonly system: Counter;
  readonly idle: Counter;
  readonly iowait: Counter;
}

export class HostCounters {
  readonly cpus: readonly CpuTicks[];
  readonly drives: readonly DiskCounters[];
  readonly systemDisk: DiskCounters;
  readonly ports: readonly PortCounters[];
  readonly storageNetwork: NetworkCounters;
  readonly managementNetwork: NetworkCounters;
  readonly ipoib: readonly NetworkCounters[];
  readonly loopback: NetworkCounters;
  /** Microseconds. */
  readonly pressure: { readonly cpu: Counter; readonly ioSome: Counter; readonly ioFull: Counter };
  readonly lustre: LustreCounters;
  readonly nfs: NfsCounters;
  /** By socket. */
  readonly cpuThrottles: readonly Counter[];
  readonly numaHits: Counter;
  /** Pages that came from the other socket, by socket. */
  readonly numaMisses: readonly Counter[];
  readonly interrupts: Counter;
  readonly contextSwitches: Counter;
  readonly forks: Counter;
  readonly majorFaults: Counter;
  /** Running averages over 1, 5 and 15 min of load, and over 10, 60 and 300 s of pressure. */
  readonly loadAverages: number[] = [];
  readonly pressureAverages: Record<'cpu' | 'ioSome' | 'ioFull', number[]> = { cpu: [], ioSome: [], ioFull: [] };

  readonly #throttles: number;

  constructor(seed: number, hardware: NodeHardware) {
    const random = new Random(seed, 'counters', hardware.name);
    const upS = Math.max(1, random.between(20, 60) * 86_400);
    this.cpus = Array.from({ length: hardware.cpus }, () => ({
      user: new Counter(Math.floor(upS * 100 * random.between(0.25, 0.5))),
      system: new Counter(Math.floor(upS * 100 * random.between(0.02, 0.05))),
      idle: new Counter(Math.floor(upS * 100 * random.between(0.4, 0.6))),
      iowait: new Counter(Math.floor(upS * 100 * random.between(0.001, 0.02))),
    }));
    this.drives = hardware.drives.map(() => new DiskCounters(random, 3e14, 4e13));
    this.systemDisk = new DiskCounters(random, 2e11, 6e11);
    this.ports = hardware.hcas.map(() => new PortCounters(random));
    this.storageNetwork = new NetworkCounters(random.between(1e14, 5e14), random.between(1e13, 5e13), 8900);
    this.managementNetwork = new NetworkCounters(random.between(1e11, 5e11), random.between(1e11, 5e11), 700);
    this.ipoib = hardware.hcas.map(() => new NetworkCounters(random.between(1e6, 5e8), random.between(1e6, 5e8), 200));
    this.loopback = new NetworkCounters(4e9, 4e9, 1200);
    this.pressure = {
      cpu: new Counter(random.integer(1e9, 9e10)),
      ioSome: new Counter(random.integer(1e9, 9e10)),
      ioFull: new Counter(random.integer(1e8, 9e8)),
    };
    this.interrupts = new Counter(random.integer(2e10, 9e10));
    this.contextSwitches = new Counter(random.integer(4e10, 9e10));
    this.forks = new Counter(random.integer(2e6, 9e6));
    this.majorFaults = new Counter(random.integer(2e4, 9e5));
    const more = new Random(seed, 'more counters', hardware.name);
    this.lustre = new LustreCounters(more);
    this.nfs = new NfsCounters(more);
    this.numaHits = new Counter(more.integer(1e10, 9e10));
    this.numaMisses = hardware.numaCpus.map(() => new Counter(more.integer(1e5, 9e6)));
    this.cpuThrottles = hardware.numaCpus.map(() => new Counter());
    this.#throttles = isHot(seed, hardware) ? HOT_THROTTLES_PER_S : 0;
  }

  add(load: HostLoad, seconds: number): void {
    for (const [index, ticks] of this.cpus.entries()) addTicks(ticks, load.cpus[index], seconds);
    for (const [index, drive] of this.drives.entries()) {
      const one = load.drives[index];
      if (one) drive.add(one, seconds);
    }
    for (const [index, port] of this.ports.entries()) {
      const one = load.ports[index];
      if (one) port.add(one, seconds);
    }
    this.systemDisk.add(load.systemDisk, seconds);
    this.storageNetwork.add(load.storageNetwork, seconds);
    this.managementNetwork.add(load.managementNetwork, seconds);
    for (const net of this.ipoib) net.add({ rxBytesPerS: 60, txBytesPerS: 60 }, seconds);
    this.loopback.add({ rxBytesPerS: 9000, txBytesPerS: 9000 }, seconds);
    this.#addKernel(load, seconds);
  }

  #addKernel(load: HostLoad, seconds: number): void {
    const { pressure } = load;
    const busy = load.cpus.reduce((sum, cpu) => sum + cpu.user + cpu.system, 0);
    for (const kind of ['cpu', 'ioSome', 'ioFull'] as const) {
      this.pressure[kind].add(pressure[kind] * 1e6 * seconds);
      average(this.pressureAverages[kind], pressure[kind], { spansS: [10, 60, 300], seconds });
    }
    average(this.loadAverages, load.running + load.blocked, { spansS: [60, 300, 900], seconds });
    this.interrupts.add((9000 + busy * 3500) * seconds);
    this.contextSwitches.add((14_000 + busy * 5200) * seconds);
    this.forks.add(3.4 * seconds);
    this.majorFaults.add(0.2 * seconds);
    this.lustre.add(load.shared, seconds);
    this.nfs.add(load.shared, seconds);
    this.numaHits.add((2000 + busy * 900) * seconds);
    for (const misses of this.numaMisses) misses.add((0.2 + busy * 0.5) * seconds);
    // Only the socket that stands in the other one's warm air.
    this.cpuThrottles[1]?.add(this.#throttles * busy * seconds);
  }
}

/** A second, for every busy CPU. */
const HOT_THROTTLES_PER_S = 0.04;
const HOT_NODES = 16;

/** The CPUs of one node get too hot. */
function isHot(seed: number, { index }: NodeHardware): boolean {
  return index === new Random(seed, 'hot node').integer(0, HOT_NODES - 1);
}

const SECTOR = 512;
const WORD = 4;
const PACKET_BYTES = 4096;
/** One tick is the time of 128 bytes at 100 Gb/s; 32 bits. */
const ADAPTER_WAIT: WaitCounting = { ticksPerS: 97.66e6, waitCeiling: 4_294_967_295 };

function addTicks(ticks: CpuTicks, load: HostLoad['cpus'][number] | undefined, seconds: number): void {
  const { user, system, iowait } = load ?? { user: 0, system: 0, iowait: 0 };
  ticks.user.add(user * 100 * seconds);
  ticks.system.add(system * 100 * seconds);
  ticks.iowait.add(iowait * 100 * seconds);
  ticks.idle.add(Math.max(0, 1 - user - system - iowait) * 100 * seconds);
}

/** Exponential averages; the first value is what has long been so. */
function average(
  averages: number[],
  value: number,
  { spansS, seconds }: { readonly spansS: readonly number[]; readonly seconds: number },
): void {
  for (const [index, span] of spansS.entries()) {
    const before = averages[index] ?? value;
    averages[index] = before + (value - before) * (1 - Math.exp(-seconds / span));
  }
}
