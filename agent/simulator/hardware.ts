// The hardware of the simulated Sherlock cluster: 8 HGX-1 and 8 HGX-2, 192 V100, EDR InfiniBand, 3 PB of NVMe.
// Device names, addresses and limits follow the machines' public descriptions.
import { hexOf, Random, uuidOf } from './random.ts';

export type PlatformName = 'hgx1' | 'hgx2';

export interface Platform {
  readonly name: PlatformName;
  readonly vendor: string;
  readonly product: string;
  readonly cpuModel: string;
  readonly coresPerSocket: number;
  readonly memoryKiB: number;
  readonly gpu: GpuModel;
  readonly gpuBuses: readonly number[];
  readonly hca: { readonly type: string; readonly firmware: string; readonly board: string };
  readonly hcaBuses: readonly number[];
  readonly drive: DriveModel;
  readonly driveBuses: readonly number[];
  readonly ethernetBuses: { readonly management: number; readonly storage: number };
}

export interface GpuModel {
  readonly name: string;
  readonly vbios: string;
  readonly memoryMiB: number;
  readonly powerLimitW: number;
  readonly powerMinW: number;
  readonly idleW: number;
  /** With a context but no work. */
  readonly contextW: number;
  readonly maxClockMHz: number;
  readonly memoryClockMHz: number;
  readonly videoClockMHz: number;
  readonly deviceId: string;
  readonly subDeviceId: string;
}

export interface DriveModel {
  readonly model: string;
  readonly firmware: string;
  readonly vendorId: string;
  readonly deviceId: string;
  readonly bytes: number;
  readonly readBytesPerS: number;
  readonly writeBytesPerS: number;
}

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

const TERABYTE = 1e12;

const hgx1: Platform = {
  name: 'hgx1',
  vendor: 'NVIDIA',
  product: 'HGX-1',
  cpuModel: 'Intel(R) Xeon(R) CPU E5-2698 v4 @ 2.20GHz',
  coresPerSocket: 20,
  memoryKiB: 528_214_968,
  gpu: {
    name: 'Tesla V100-SXM2-32GB',
    vbios: '88.00.80.00.01',
    memoryMiB: 32_510,
    powerLimitW: 300,
    powerMinW: 150,
    idleW: 42,
    contextW: 57,
    maxClockMHz: 1530,
    memoryClockMHz: 877,
    videoClockMHz: 1372,
    deviceId: '0x1DB510DE',
    subDeviceId: '0x124910DE',
  },
  gpuBuses: [0x06, 0x07, 0x0a, 0x0b, 0x85, 0x86, 0x89, 0x8a],
  hca: { type: 'MT4115', firmware: '12.28.2006', board: 'MT_2180110032' },
  hcaBuses: [0x05, 0x0c, 0x84, 0x8b],
  drive: {
    model: 'Micron_9300_MTFDHAL15T3TDP',
    firmware: '11300DU0',
    vendorId: '1344',
    deviceId: '0x51a2',
    bytes: 15.36 * TERABYTE,
    readBytesPerS: 3.3e9,
    writeBytesPerS: 3.1e9,
  },
  driveBuses: [0x18, 0x19, 0x1a, 0x1b, 0x98, 0x99, 0x9a, 0x9b],
  ethernetBuses: { management: 0x01, storage: 0x12 },
};

const hgx2: Platform = {
  name: 'hgx2',
  vendor: 'NVIDIA',
  product: 'HGX-2',
  cpuModel: 'Intel(R) Xeon(R) Platinum 8168 CPU @ 2.70GHz',
  coresPerSocket: 24,
  memoryKiB: 1_584_644_908,
  gpu: {
    name: 'Tesla V100-SXM3-32GB',
    vbios: '88.00.6F.00.01',
    memoryMiB: 32_480,
    powerLimitW: 350,
    powerMinW: 100,
    idleW: 49,
    contextW: 66,
    maxClockMHz: 1597,
    memoryClockMHz: 958,
    videoClockMHz: 1432,
    deviceId: '0x1DB810DE',
    subDeviceId: '0x131D10DE',
  },
  gpuBuses: [0x34, 0x36, 0x39, 0x3b, 0x57, 0x59, 0x5c, 0x5e, 0xb7, 0xb9, 0xbc, 0xbe, 0xe0, 0xe2, 0xe5, 0xe7],
  hca: { type: 'MT4119', firmware: '16.31.1014', board: 'MT_0000000013' },
  hcaBuses: [0x35, 0x3a, 0x58, 0x5d, 0xb8, 0xbd, 0xe1, 0xe6],
  drive: {
    model: 'INTEL SSDPEXNV307T8',
    firmware: '2CV10302',
    vendorId: '8086',
    deviceId: '0x0a54',
    bytes: 30.72 * TERABYTE,
    readBytesPerS: 3.2e9,
    writeBytesPerS: 1.6e9,
  },
  driveBuses: [0x2a, 0x2b, 0x2c, 0x2d, 0xab, 0xac, 0xad, 0xae],
  ethernetBuses: { management: 0x01, storage: 0x1e },
};

const NODES = 16;
const NODES_PER_RACK = 4;
/** One drive of node07 answers slowly: a job that reads the node's own disks waits for it. */
const SLOW_DRIVE = { node: 'node07', drive: 2, health: 0.017 };
const DUSTY_DRIVE = 5;
const DUSTY_ERRORS_PER_S = 0.05;
const HOT_GPUS = 3;
const DAY_S = 86_400;

/** The first `nodes` nodes of Sherlock, booted some weeks before `nowS`. */
export function sherlock(options: {
  readonly seed: number;
  readonly nowS: number;
  readonly nodes?: number;
}): readonly NodeHardware[] {
  const hot = hotGpus(options.seed);
  return Array.from({ length: Math.min(options.nodes ?? NODES, NODES) }, (_, index) =>
    describeNode(index, options.seed, { nowS: options.nowS, hot }),
  );
}

export const MAX_NODES = NODES;

function describeNode(
  index: number,
  seed: number,
  { nowS, hot }: { readonly nowS: number; readonly hot: ReadonlySet<string> },
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
    gpus: describeGpus(platform, numaCpus, { seed, name, hot }),
    hcas: platform.hcaBuses.map((bus, at) => describeHca(bus, at, { seed, name, lid: 2 + index * 8 + at })),
    drives: platform.driveBuses.map((bus, at) => ({
      index: at,
      bus,
      numaNode: socketOf(bus),
      serial: `${String(random.integer(19, 23))}${hexOf(seed, 5, name, 'drive', at)}${hexOf(seed, 5, name, at)}`,
      health: name === SLOW_DRIVE.node && at === SLOW_DRIVE.drive ? SLOW_DRIVE.health : 1,
      linkErrorsPerS: index === dusty && at === DUSTY_DRIVE ? DUSTY_ERRORS_PER_S : 0,
    })),
  };
}

function describeGpus(
  platform: Platform,
  numaCpus: readonly (readonly number[])[],
  { seed, name, hot }: { readonly seed: number; readonly name: string; readonly hot: ReadonlySet<string> },
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
