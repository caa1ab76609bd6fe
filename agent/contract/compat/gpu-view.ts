// The series of a node, gathered by GPU: what a page of another exporter looks things up in.
import type { AgentMetricId } from '../catalogue.ts';
import type { Steps } from '../frame.ts';

/** One series with its value, in whole steps of its row. */
export interface CompatSeries {
  readonly id: AgentMetricId;
  readonly labels: Readonly<Record<string, string>>;
  readonly steps: Steps;
}

export class GpuView {
  readonly index: string;
  readonly uuid: string;
  readonly pciBusId: string;
  readonly model: string;
  readonly driver: string;
  /** By GPU instance. */
  readonly profiles: ReadonlyMap<string, string>;
  readonly #byId: ReadonlyMap<AgentMetricId, readonly CompatSeries[]>;

  constructor(series: readonly CompatSeries[]) {
    this.#byId = Map.groupBy(series, ({ id }) => id);
    const info = this.all('gpu_info')[0]?.labels ?? {};
    const labels = series[0]?.labels ?? {};
    this.index = labels['gpu'] ?? '';
    this.uuid = labels['uuid'] ?? '';
    this.pciBusId = labels['pci_bus_id'] ?? '';
    this.model = info['name'] ?? '';
    this.driver = info['driver'] ?? '';
    this.profiles = new Map(
      this.all('gpu_mig_info').map(({ labels: { mig_gi = '', profile = '' } }) => [mig_gi, profile]),
    );
  }

  all(id: AgentMetricId): readonly CompatSeries[] {
    return this.#byId.get(id) ?? [];
  }
}

/** In the order of their index. */
export function gpuViewsOf(series: Iterable<CompatSeries>): readonly GpuView[] {
  const ofGpus = [...series].filter(({ labels }) => labels['gpu'] !== undefined && labels['uuid'] !== undefined);
  const groups = Map.groupBy(ofGpus, ({ labels }) => JSON.stringify([labels['gpu'], labels['uuid']]));
  // Xids are counted also of a GPU that nobody has named: it is none of its own.
  const named = [...groups.values()].filter((own) => !own.every(({ id }) => id.startsWith('gpu_xid_')));
  return named.map((own) => new GpuView(own)).toSorted((a, b) => Number(a.index) - Number(b.index));
}
