// The facts of a node on which nothing is wrong: eight V100 behind NVSwitches on Debian. Tests change what they speak of.
import type { NodeFacts } from '../../../agent/doctor/facts.ts';

export const healthy: NodeFacts = {
  system: { isHost: true, family: 'debian', user: 'whyidle', isRoot: false, account: 'whyidle', usesMusl: false },
  gpu: {
    onBus: 8,
    switches: 6,
    driver: { version: '535.183.01', isInstalled: true, nouveau: false, device: 'usable', deviceGroup: '' },
    library: {
      path: '/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.1',
      isAsked: true,
      version: '535.183.01',
      problem: '',
    },
    tools: {
      nvidiaSmi: true,
      dcgmi: true,
      dcgmExporter: undefined,
      hostEngineRuns: true,
      persistencedInstalled: false,
      fabricManagerInstalled: true,
    },
    reader: {
      backend: 'nvml',
      profiling: 'dcgmi',
      up: true,
      isStuck: false,
      seen: 8,
      expected: 8,
      missing: undefined,
      problem: '',
      fabricManager: true,
    },
    names: ['Tesla V100-SXM3-32GB'],
    architectures: ['Volta'],
    answering: 8,
    lost: [],
    withoutPersistence: [],
    suspect: [],
    mig: [],
  },
  kernelLog: { kmsg: 'forbidden', journal: 'readable' },
  infiniband: {
    onBus: 2,
    ports: [
      { name: 'mlx5_0/1', state: 4, isRoce: false },
      { name: 'mlx5_1/1', state: 4, isRoce: false },
    ],
  },
  nvme: { onBus: 4, controllers: 4, down: [] },
  mounts: { count: 3, silent: [] },
  pressure: { isThere: true, config: 'built' },
  processes: { seesOthers: true, hidepid: '' },
  failed: [],
  metrics: new Set(),
};

type Parts = {
  readonly [K in keyof NodeFacts['gpu']]?: NodeFacts['gpu'][K] extends number | readonly string[]
    ? NodeFacts['gpu'][K]
    : Partial<NodeFacts['gpu'][K]>;
};

/** The healthy node with other GPU facts; records are merged one level deep. */
export function withGpu(parts: Parts, over: Partial<NodeFacts> = {}): NodeFacts {
  const gpu = Object.fromEntries(
    Object.entries(healthy.gpu).map(([key, value]: [string, unknown]) => {
      const part: unknown = parts[key as keyof Parts]; // the keys are those of the healthy node
      const isRecord = typeof value === 'object' && value !== null && !Array.isArray(value);
      return [key, part === undefined ? value : isRecord ? { ...value, ...(part as object) } : part];
    }),
  );
  return { ...healthy, ...over, gpu: gpu as unknown as NodeFacts['gpu'] }; // the same keys with values of the same kind
}
