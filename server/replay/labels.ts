// labels.json: constants of the machine for the judge, and the truth for the scorer alone. The two never meet in one function.
import type { GpuFacts } from '#agent/contract';
import { isCause, type Cause } from '#server/contract';

export interface MachineConstants {
  readonly gpu: Omit<GpuFacts, 'gpu' | 'uuid'>;
  readonly cpus: number;
  /** Loader workers of each GPU. */
  readonly workers: number;
  readonly ports: number;
  readonly portBps: number;
  readonly storageBps: number;
  readonly input: 'local' | 'shared' | undefined;
}

export interface Truth {
  readonly cause: Cause;
  readonly slowNode: string | undefined;
  readonly segments: readonly { readonly fromS: number; readonly toS: number; readonly cause: Cause }[];
  /** Factor gained without the cause; undefined where it was not measured. */
  readonly speedup: number | undefined;
}

/** What a model can do when nobody limits it. */
const models: Readonly<
  Record<string, { readonly powerW: number; readonly clockMHz: number; readonly memoryGiB: number }>
> = {
  V100: { powerW: 300, clockMHz: 1530, memoryGiB: 32 },
  A100: { powerW: 400, clockMHz: 1410, memoryGiB: 80 },
  H100: { powerW: 700, clockMHz: 1980, memoryGiB: 80 },
};

const EDR_BPS = 12.5e9;

type Entry = Readonly<Record<string, unknown>>;

/** Nothing of the truth is looked at. */
export function constantsOf(entry: Entry): MachineConstants {
  const model = typeof entry['gpu'] === 'string' ? entry['gpu'] : '';
  const usual = models[model];
  const limit = numberIn(entry, 'power_cap_w', usual?.powerW ?? NaN);
  const storage = entry['storage'];
  return {
    gpu: {
      model,
      memoryBytes: (usual?.memoryGiB ?? NaN) * 1024 ** 3,
      powerLimitW: limit,
      powerDefaultW: usual?.powerW ?? limit,
      clockMaxHz: numberIn(entry, 'max_sm_clock_mhz', usual?.clockMHz ?? NaN) * 1e6,
      pcieBps: numberIn(entry, 'pcie_peak_Bps', NaN),
      pcieGenerationMax: NaN,
      pcieWidthMax: NaN,
      nvlinkBps: numberIn(entry, 'nvlink_peak_Bps', NaN),
      contextW: numberIn(entry, 'idle_w', NaN),
      slowdownC: NaN,
    },
    cpus: numberIn(entry, 'cpu_cores', NaN),
    workers: numberIn(entry, 'loader_workers_per_rank', NaN),
    ports: numberIn(entry, 'ib_ports', 0),
    portBps: numberIn(entry, 'ib_port_Bps', EDR_BPS),
    storageBps: numberIn(entry, 'storage_peak_MBps', NaN) * 1e6,
    input: storage === 'nvme' ? 'local' : storage === 'nfs' ? 'shared' : undefined,
  };
}

function numberIn(entry: Entry, name: string, otherwise: number): number {
  const value = entry[name];
  return typeof value === 'number' ? value : otherwise;
}

const byLabel: Readonly<Record<string, Cause>> = {
  healthy: 'none',
  storage: 'storage',
  cpu_cores: 'cpu.exhausted',
  cpu_workers: 'cpu.too_few_workers',
  h2d: 'h2d.pcie',
  launch: 'launch_bound',
  nvlink: 'nvlink',
  ib_bw: 'ib.bandwidth',
  ib_cong: 'ib.congestion',
  straggler: 'straggler',
  thermal: 'thermal',
  powercap: 'power_cap',
  clocklock: 'clocks_locked',
};

/** What `speedup_if_removed` calls the constraint. */
const constraints: Partial<Readonly<Record<Cause, string>>> = {
  storage: 'storage',
  'cpu.exhausted': 'cpu_prep',
  'cpu.too_few_workers': 'cpu_prep',
  'h2d.pcie': 'h2d',
  nvlink: 'comm',
  'ib.bandwidth': 'comm',
  'ib.congestion': 'comm',
  straggler: 'straggler',
  thermal: 'clock',
  power_cap: 'clock',
  clocks_locked: 'clock',
};

export function truthOf(entry: Entry): Truth | undefined {
  const cause = causeFor(entry['label']);
  if (cause === undefined) return undefined;
  const gains = entry['speedup_if_removed'];
  const constraint = constraints[cause];
  const speedup = isEntry(gains) && constraint !== undefined ? gains[constraint] : undefined;
  const slow = entry['slow_node'];
  const segments = Array.isArray(entry['segments']) ? entry['segments'] : [];
  return {
    cause,
    slowNode: typeof slow === 'string' || typeof slow === 'number' ? String(slow) : undefined,
    segments: segments.flatMap((one: unknown) => segmentOf(one)),
    speedup: typeof speedup === 'number' ? speedup : undefined,
  };
}

function segmentOf(one: unknown): Truth['segments'] {
  if (!isEntry(one)) return [];
  const { from_s: fromS, to_s: toS, label } = one;
  const cause = causeFor(label);
  return typeof fromS === 'number' && typeof toS === 'number' && cause !== undefined ? [{ fromS, toS, cause }] : [];
}

function causeFor(label: unknown): Cause | undefined {
  if (typeof label !== 'string') return undefined;
  return byLabel[label] ?? (isCause(label) ? label : undefined);
}

export function isEntry(value: unknown): value is Entry {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** storage is right for either kind of storage. */
export function agrees(found: Cause, truth: Cause): boolean {
  return found === truth || (truth === 'storage' && found.startsWith('storage'));
}
