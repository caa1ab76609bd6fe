// The MIG instances of one GPU: made and destroyed while the agent runs. NVML and nvidia-smi number compute instances, DCGM
// knows GPU instances and their profiles: what two of them tell is one instance.
import { columnOf, type GpuColumn, type GpuIdentity, type MigInstance } from '../../parse/gpu/sheet.ts';
import type { SeriesGroup, Snapshot } from '../../snapshot.ts';
import type { Layer } from './layer.ts';

/** Who knows most of instances first. */
const byKnowledge: readonly Layer[] = ['carrier', 'details', 'profiling'];

export class InstanceSeries {
  readonly #snapshot: Snapshot;
  readonly #identity: GpuIdentity;
  readonly #group: SeriesGroup;
  readonly #told = new Map<Layer, readonly MigInstance[]>();
  #shown = '';
  /** Columns of a GPU instance as those of its only compute instance. */
  readonly #whole = new Map<GpuColumn, GpuColumn>();
  #onlyCi: ReadonlyMap<string, string> = new Map();

  constructor(snapshot: Snapshot, identity: GpuIdentity) {
    this.#snapshot = snapshot;
    this.#identity = identity;
    this.#group = snapshot.group();
  }

  /** Undefined: this source does not tell, or does not any more. */
  tell(layer: Layer, instances: readonly MigInstance[] | undefined): void {
    if (instances) this.#told.set(layer, instances);
    else if (!this.#told.delete(layer)) return;
    this.#show(mergedOf(byKnowledge.map((one) => this.#told.get(one)).filter((told) => told !== undefined)));
  }

  /** The same column under the name that the instance has here, whoever tells it. */
  columnFor(column: GpuColumn): GpuColumn {
    const { mig_gi = '', mig_ci = '' } = column.labels;
    if (mig_gi === '' || mig_ci !== '') return column;
    const ci = this.#onlyCi.get(mig_gi);
    if (ci === undefined) return column;
    const known = this.#whole.get(column) ?? inComputeInstance(column, ci);
    this.#whole.set(column, known);
    return known;
  }

  remove(): void {
    this.#snapshot.remove(this.#group);
  }

  #show(instances: readonly MigInstance[]): void {
    const shown = instances.map(({ mig_gi, mig_ci, profile }) => [mig_gi, mig_ci, profile].join()).join(';');
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#whole.clear();
    this.#onlyCi = new Map(
      [...Map.groupBy(instances, ({ mig_gi }) => mig_gi)].flatMap(([gi, [only, ...others]]) =>
        only && only.mig_ci !== '' && others.length === 0 ? [[gi, only.mig_ci] as const] : [],
      ),
    );
    this.#group.clear();
    for (const instance of instances) this.#group.info('gpu_mig_info', { ...this.#identity, ...instance });
  }
}

/** Which there are says who knows most of them; a profile that it does not tell comes from the others. */
function mergedOf([best = [], ...others]: readonly (readonly MigInstance[])[]): readonly MigInstance[] {
  const profiles = new Map(others.flat().map(({ mig_gi, profile }) => [mig_gi, profile]));
  return best.map((one) => (one.profile === '' ? { ...one, profile: profiles.get(one.mig_gi) ?? '' } : one));
}

function inComputeInstance({ id, labels }: GpuColumn, mig_ci: string): GpuColumn {
  return columnOf(id, { ...labels, mig_ci });
}
