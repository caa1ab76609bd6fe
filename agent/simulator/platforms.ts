// The two kinds of machines of the simulated Sherlock cluster, HGX-1 and HGX-2. Device names, addresses and limits follow
// the machines' public descriptions.

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

const TERABYTE = 1e12;

export const hgx1: Platform = {
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

export const hgx2: Platform = {
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
