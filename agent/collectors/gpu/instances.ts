// The MIG instances of one GPU: made and destroyed while the agent runs.
import type { GpuIdentity, MigInstance } from '../../parse/gpu/sheet.ts';
import type { SeriesGroup, Snapshot } from '../../snapshot.ts';

export class InstanceSeries {
  readonly #snapshot: Snapshot;
  readonly #identity: GpuIdentity;
  readonly #group: SeriesGroup;
  #shown = '';

  constructor(snapshot: Snapshot, identity: GpuIdentity) {
    this.#snapshot = snapshot;
    this.#identity = identity;
    this.#group = snapshot.group();
  }

  /** Undefined: this source does not tell, what another one told stays. */
  show(instances: readonly MigInstance[] | undefined): void {
    if (instances === undefined) return;
    const shown = instances.map(({ mig_gi, mig_ci, profile }) => [mig_gi, mig_ci, profile].join()).join(';');
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#group.clear();
    for (const instance of instances) this.#group.info('gpu_mig_info', { ...this.#identity, ...instance });
  }

  remove(): void {
    this.#snapshot.remove(this.#group);
  }
}
