// What is expected of the captures of five GPUs, idle and under load. ../shared/corpus/gpu/SOURCES.md, and the recordings read by hand.
export const UUID = 'GPU-00000000-0000-0000-0000-000000000000';

export interface Phase {
  /** What `-q` says. */
  readonly query: Readonly<Record<string, string>>;
  /** Column of dmon → its ticks. */
  readonly dmon: Readonly<Record<string, readonly (number | undefined)[]>>;
  /** pid, kind, share of the SMs at each tick. */
  readonly pmon: readonly (readonly [number, string, readonly (number | undefined)[]])[];
  /** Compute processes: pid → MiB. */
  readonly apps: Readonly<Record<number, number>>;
  /** Of the table: temperature, power, memory, utilisation, ECC. */
  readonly table: readonly string[];
  readonly pids: readonly number[];
  /** Finished processes that were accounted. */
  readonly accounted: number;
}

export interface Capture {
  readonly name: string;
  readonly driver: string;
  readonly cuda: string;
  readonly profiles: readonly string[];
  /** Links that are up, or what the tool says instead. */
  readonly links: number | string;
  readonly cpus: string;
  readonly fields: number;
  readonly kernel: string;
  readonly idle: Phase;
  readonly load: Phase;
}

const none = undefined;
export const five = <T>(value: T): readonly T[] => Array<T>(5).fill(value);

export const captures: Readonly<Record<string, Capture>> = {
  'h100-590.48': {
    name: 'NVIDIA H100 80GB HBM3',
    driver: '590.48.01',
    cuda: '13.1',
    profiles: [],
    links: 18,
    cpus: '0-19',
    fields: 212,
    kernel: '5.15.0-185-generic',
    idle: {
      query: { 'Utilization/GPU': '0 %', 'Clocks Event Reasons/Idle': 'Active', 'Clocks/SM': '345 MHz' },
      dmon: { sm: five(0) },
      pmon: [],
      apps: {},
      table: ['41C', '69W', '0MiB / 81559MiB', '0%', '0'],
      pids: [],
      accounted: 0,
    },
    load: {
      query: {
        'Utilization/GPU': '100 %',
        'FB Memory Usage/Used': '19818 MiB',
        'Temperature/GPU Shutdown T.Limit Temp': '-8 C',
        'Display Mode': 'Requested functionality has been deprecated',
        'Processes/Process ID#2/Used GPU Memory': '1542 MiB',
      },
      dmon: { sm: five(100), mem: [10, 10, 9, 9, 9], pwr: [631, 634, 633, 634, 636], pclk: five(1980) },
      pmon: [
        [11327, 'compute', five(none)],
        [11328, 'compute', five(none)],
        [11345, 'compute', five(0.99)],
      ],
      apps: { 11327: 2566, 11328: 1542, 11345: 15690 },
      table: ['59C', '629W', '19818MiB / 81559MiB', '100%', '0'],
      pids: [11327, 11328, 11345],
      accounted: 0,
    },
  },
  'h100-mig-590.48': {
    name: 'NVIDIA H100 80GB HBM3',
    driver: '590.48.01',
    cuda: '13.1',
    profiles: ['3g.40gb', '2g.20gb', '1g.10gb', '1g.10gb'],
    links: 'Nvlink queries are not supported for Devices in MIG mode',
    cpus: '0-19',
    fields: 212,
    kernel: '5.15.0-185-generic',
    idle: {
      query: { 'Utilization/GPU': 'N/A', 'MIG Device#4/Index': '3' },
      dmon: { sm: five(none) },
      pmon: [],
      apps: {},
      table: [],
      pids: [],
      accounted: 0,
    },
    load: {
      query: { 'Utilization/GPU': 'N/A', 'MIG Mode/Current': 'Enabled', 'MIG Device/GPU Instance ID': '2' },
      dmon: { sm: five(none), pwr: [438, 440, 437, 439, 439] },
      pmon: [
        [21180, 'compute', five(none)],
        [21181, 'compute', five(none)],
        [21198, 'compute', five(none)],
      ],
      apps: { 21180: 2296, 21181: 1272, 21198: 7484 },
      table: [],
      pids: [21180, 21181, 21198],
      accounted: 0,
    },
  },
  'l40s-595.80': {
    name: 'NVIDIA L40S',
    driver: '595.80',
    cuda: '13.2',
    profiles: [],
    links: 'Device does not have or support Nvlink',
    cpus: '0-7',
    fields: 202,
    kernel: '7.0.14-201.fc44.x86_64',
    idle: {
      // Sampling lag: busy without a process or memory.
      query: { 'Utilization/GPU': '100 %', 'FB Memory Usage/Used': '0 MiB' },
      dmon: {},
      pmon: [],
      apps: {},
      table: [],
      pids: [],
      accounted: 3,
    },
    load: {
      query: { 'Utilization/GPU': '9 %', 'FB Memory Usage/Used': '1235 MiB' },
      dmon: { sm: [10, 9, 9, 9, 10], mtemp: five(none) },
      pmon: [
        [20037, 'compute', [0.02, 0.02, 0.01, 0, 0.02]],
        [20038, 'compute', [0.06, 0.05, 0.08, 0.07, 0.05]],
      ],
      apps: { 20037: 538, 20038: 681 },
      table: ['54C', '110W', '1235MiB / 46068MiB', '9%', '0'],
      pids: [20037, 20038],
      accounted: 5,
    },
  },
  'rtx4080super-595.71': {
    name: 'NVIDIA GeForce RTX 4080 SUPER',
    driver: '595.71.05',
    cuda: '13.2',
    profiles: [],
    links: 'Device does not have or support Nvlink',
    cpus: '0-15',
    fields: 202,
    kernel: '7.0.12-201.fc44.x86_64',
    idle: {
      query: { 'Temperature/Memory Current Temp': 'N/A' },
      dmon: {},
      pmon: [],
      apps: { 2165: 25 },
      table: [],
      pids: [],
      accounted: 0,
    },
    load: {
      query: { 'Utilization/GPU': '7 %', 'Remapped Rows': 'N/A' },
      dmon: { sm: [7, 7, 7, 7, 6], enc: [69, 68, 71, 70, 70] },
      pmon: [
        [2165, 'compute', five(none)],
        [3527, 'graphics', five(none)],
        [5021, 'compute', [0, 0.01, none, 0.03, 0.02]],
      ],
      apps: { 2165: 25, 5022: 503, 5021: 360 },
      table: ['45C', '83W', '1474MiB / 16376MiB', '7%', 'N/A'],
      pids: [],
      accounted: 0,
    },
  },
  'rtx2080super-595.71': {
    name: 'NVIDIA GeForce RTX 2080 SUPER',
    driver: '595.71.05',
    cuda: '13.2',
    profiles: [],
    links: 'NVML: Unable to retrieve Nvlink information as all links are inActive',
    cpus: '0-23',
    fields: 202,
    kernel: '7.0.12-201.fc44.x86_64',
    idle: {
      query: { 'Clocks Event Reasons Counters/SW Power Capping': '212288427 us' },
      dmon: {},
      pmon: [],
      apps: {},
      table: [],
      pids: [],
      accounted: 0,
    },
    load: {
      query: {
        'GPU Power Readings/Average Power Draw': 'N/A',
        'GPU Power Readings/Instantaneous Power Draw': '98.55 W',
        'ECC Errors/Volatile/SRAM Uncorrectable': 'N/A',
      },
      dmon: { enc: five(100), mtemp: five(none) },
      pmon: [
        [1696, 'graphics', five(none)],
        [5267, 'compute', [0.07, 0.08, none, none, none]],
      ],
      apps: { 5268: 370, 5267: 230 },
      table: ['45C', '98W', '819MiB / 8192MiB', '8%', 'N/A'],
      pids: [1696, 4584, 5267, 5268],
      accounted: 0,
    },
  },
};
