// The hardware of the simulated Sherlock cluster: 8 HGX-1 and 8 HGX-2, 192 V100, EDR InfiniBand, 3 PB of NVMe.
import { hgx1, hgx2, type Platform } from './platforms.ts';
import { hexOf, Random, uuidOf } from './random.ts';
import { noWantedFaults, type WantedFaults } from './wanted-faults.ts';

export type { DriveModel, GpuModel, Platform, PlatformName } from './platforms.ts';

export interface NodeHardware {
  readonly name: string;
  readonly rack: string;
  readonly index: number;
  readonly platform: Platform;
  readonly gpus: readonly GpuHardware[];
  readonly hcas: readonly HcaHardware[];
  readonly drives: readonly DriveHardware[];
  /** Logical CPUs, two per core: `numaCpus[n]` are those of socket n. */
  readonly cpus: number;
  readonly numaCpus: readonly (readonly number[])[];
  readonly bootTimeS: number;
  /** How long it had been up when the simulation began. */
  readonly upAtStartS: number;
  readonly bootId: string;
}

export interface GpuHardware {
  readonly index: number;
  readonly uuid: string;
  readonly serial: string;
  readonly bus: number;
  readonly numaNode: number;
  /** Degrees per watt: a GPU with a bad heat sink has more. */
  readonly thermalResistance: number;
  /** Clocks that were left locked below the maximum. */
  readonly clockShare: number;
  readonly correctedErrors: number;
  readonly retiredPages: number;
  /** The logical CPUs its processes are bound to. */
  readonly cpus: readonly number[];
}

export interface HcaHardware {
  readonly name: string;
  readonly netdev: string;
  readonly bus: number;
  readonly numaNode: number;
  /** 16 hex digits. */
  readonly guid: string;
  readonly lid: number;
  readonly symbolErrors: number;
}

export interface DriveHardware {
  readonly index: number;
  readonly bus: number;
  readonly numaNode: number;
  readonly serial: string;
  /** A worn drive serves only this share of what its model can do. */
  readonly health: number;
  /** A connector with dust in it: corrected errors of its PCIe link. */
  readonly linkErrorsPerS: number;
}

const NODES = 16;
const NODES_PER_RACK = 4;
/** One drive of node07 answers slowly: a job that reads the node's own disks waits for it. */
const SLOW_DRIVE = { node: 'node07', drive: 2, health: 0.017 };
const DUSTY_DRIVE = 5;
const DUSTY_ERRORS_PER_S = 0.05;
const HOT_GPUS = 3;
const LOCKED_CLOCK = 0.6;
const DAY_S = 86_400;

/** The first `nodes` nodes of Sherlock, booted some weeks before `nowS`. */
export function sherlock(options: {
  readonly seed: number;
  readonly nowS: number;
  readonly nodes?: number;
  readonly wanted?: WantedFaults;
}): readonly NodeHardware[] {
  const wanted = options.wanted ?? noWantedFaults;
  const hot = new Set([...hotGpus(options.seed), ...wanted.hotGpus]);
  return Array.from({ length: Math.min(options.nodes ?? NODES, NODES) }, (_, index) =>
    describeNode(index, options.seed, { nowS: options.nowS, hot, wanted }),
  );
}

export const MAX_NODES = NODES;

function describeNode(
  index: number,
  seed: number,
  { nowS, hot, wanted }: { readonly nowS: number; readonly hot: ReadonlySet<string>; readonly wanted: WantedFaults },
): NodeHardware {
  const name = `node${String(index + 1).padStart(2, '0')}`;
  const platform = index < NODES / 2 ? hgx1 : hgx2;
  const random = new Random(seed, 'hardware', name);
  const numaCpus = cpusBySocket(platform.coresPerSocket);
  const dusty = new Random(seed, 'dusty').integer(0, NODES - 1);
  const bootTimeS = Math.floor(nowS - random.between(20, 60) * DAY_S);
  return {
    name,
    rack: `r${Math.floor(index / NODES_PER_RACK) + 1}`,
    index,
    platform,
    cpus: platform.coresPerSocket * 4,
    numaCpus,
    bootTimeS,
    upAtStartS: nowS - bootTimeS,
    bootId: uuidOf(seed, name, 'boot'),
    gpus: describeGpus(platform, numaCpus, { seed, name, hot, locked: wanted.lockedGpus }),
    hcas: platform.hcaBuses.map((bus, at) => describeHca(bus, at, { seed, name, lid: 2 + index * 8 + at })),
    drives: platform.driveBuses.map((bus, at) => ({
      index: at,
      bus,
      numaNode: socketOf(bus),
      serial: `${String(random.integer(19, 23))}${hexOf(seed, 5, name, 'drive', at)}${hexOf(seed, 5, name, at)}`,
      health: isSlow(name, at, wanted) ? SLOW_DRIVE.health : 1,
      linkErrorsPerS: index === dusty && at === DUSTY_DRIVE ? DUSTY_ERRORS_PER_S : 0,
    })),
  };
}

function isSlow(name: string, drive: number, { slowDrives }: WantedFaults): boolean {
  return slowDrives.has(`${name}/${drive}`) || (name === SLOW_DRIVE.node && drive === SLOW_DRIVE.drive);
}

function describeGpus(
  platform: Platform,
  numaCpus: readonly (readonly number[])[],
  {
    seed,
    name,
    hot,
    locked,
  }: {
    readonly seed: number;
    readonly name: string;
    readonly hot: ReadonlySet<string>;
    readonly locked: ReadonlySet<string>;
  },
): readonly GpuHardware[] {
  const perSocket = platform.gpuBuses.length / numaCpus.length;
  return platform.gpuBuses.map((bus, index) => {
    const random = new Random(seed, 'gpu', name, index);
    const numaNode = Math.floor(index / perSocket);
    const cpus = numaCpus[numaNode] ?? [];
    const share = Math.floor(cpus.length / perSocket);
    const first = (index % perSocket) * share;
    return {
      index,
      bus,
      numaNode,
      uuid: `GPU-${uuidOf(seed, name, 'gpu', index)}`,
      serial: `03${String(random.integer(20_000_000_000, 24_999_999_999))}`,
      thermalResistance:
        (hot.has(`${name}/${index}`) ? 0.24 : random.between(0.115, 0.145)) * (300 / platform.gpu.powerLimitW),
      clockShare: locked.has(`${name}/${index}`) ? LOCKED_CLOCK : 1,
      correctedErrors: random.chance(0.1) ? random.integer(1, 40) : 0,
      retiredPages: random.chance(0.04) ? random.integer(1, 3) : 0,
      cpus: cpus.slice(first, first + share),
    };
  });
}

function describeHca(
  bus: number,
  at: number,
  { seed, name, lid }: { readonly seed: number; readonly name: string; readonly lid: number },
): HcaHardware {
  const random = new Random(seed, 'hca', name, at);
  return {
    name: `mlx5_${at}`,
    netdev: `ib${at}`,
    bus,
    numaNode: socketOf(bus),
    guid: `506b4b0300${hexOf(seed, 6, name, 'hca', at)}`,
    lid,
    symbolErrors: random.chance(0.05) ? random.integer(1, 9) : 0,
  };
}

/** Three GPUs cool badly and slow down under load. */
function hotGpus(seed: number): ReadonlySet<string> {
  const random = new Random(seed, 'hot');
  const names = Array.from({ length: HOT_GPUS }, () => {
    const index = random.integer(0, NODES - 1);
    const gpus = (index < NODES / 2 ? hgx1 : hgx2).gpuBuses.length;
    return `node${String(index + 1).padStart(2, '0')}/${random.integer(0, gpus - 1)}`;
  });
  return new Set(names);
}

/** Linux numbers first threads of all cores, then the second ones. */
function cpusBySocket(coresPerSocket: number): readonly (readonly number[])[] {
  const cores = coresPerSocket * 2;
  return [0, 1].map((socket) =>
    [socket * coresPerSocket, cores + socket * coresPerSocket].flatMap((first) =>
      Array.from({ length: coresPerSocket }, (_, core) => first + core),
    ),
  );
}

/** Buses of the second socket begin in the middle. */
export function socketOf(bus: number): number {
  return bus < 0x80 ? 0 : 1;
}
