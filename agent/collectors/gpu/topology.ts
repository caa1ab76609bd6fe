// How many GPUs the PCI bus has, and which InfiniBand adapters are nearest to each. Rows: agent/contract/metrics/gpu*.ts.
import type { GpuIdentity } from '../../parse/gpu/sheet.ts';
import type { SeriesGroup, Snapshot } from '../../snapshot.ts';
import type { Tree } from '../../sources/tree.ts';
import { isWanted, type InfinibandSettings } from '../infiniband/settings.ts';
import { nearestOf } from './pci-path.ts';
import { readInfinibandAdapters, readPciGpus, type PciTree } from './pci-tree.ts';

interface TopologyContext {
  readonly tree: Tree;
  readonly snapshot: Snapshot;
  /** Adapters that are to be left alone are nobody's nearest. */
  readonly infiniband?: InfinibandSettings | undefined;
}

export class GpuTopology {
  readonly #context: TopologyContext;
  readonly #group: SeriesGroup;
  #tree: PciTree = { gpus: [], switches: [] };
  /** Addresses of all GPUs that this node had since the start. */
  readonly #own = new Set<string>();
  #shown = '';

  constructor(context: TopologyContext) {
    this.#context = context;
    this.#group = context.snapshot.group();
  }

  /** Reads the bus again; the identities name the GPUs that answer. */
  discover(identities: readonly GpuIdentity[]): void {
    this.#tree = readPciGpus(this.#context.tree);
    for (const { address, isPassedThrough } of this.#tree.gpus) {
      if (isPassedThrough) this.#own.delete(address);
      else this.#own.add(address);
    }
    this.#show(identities);
  }

  /** GPUs seen on the bus since the start, but for those given to virtual machines since: above 0 while no driver answers, there are GPUs that nobody can read. */
  expectedGpus(): number {
    return this.#own.size;
  }

  nvswitches(): number {
    return this.#tree.switches.length;
  }

  /** Empty where it is not known. The address as `canonicalPciAddress` writes it. */
  numaNode(pciBusId: string): string {
    return this.#tree.gpus.find(({ address }) => address === pciBusId)?.numaNode ?? '';
  }

  stop(): void {
    this.#context.snapshot.remove(this.#group);
  }

  #show(identities: readonly GpuIdentity[]): void {
    const nearest = this.#nearest(identities);
    const shown = JSON.stringify([this.#own.size, nearest]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#group.clear();
    // A node without GPUs does not expect any.
    if (this.#own.size > 0) this.#group.gauge('gpus_expected', {}).set(this.#own.size);
    for (const labels of nearest) this.#group.info('gpu_nearest_infiniband_info', labels);
  }

  #nearest(identities: readonly GpuIdentity[]) {
    const gpus = identities.flatMap((identity) => {
      const gpu = this.#tree.gpus.find(({ address }) => address === identity.pci_bus_id);
      return gpu ? [{ identity, gpu }] : [];
    });
    if (gpus.length === 0) return [];
    const { tree, infiniband } = this.#context;
    const adapters = readInfinibandAdapters(tree, (names) => infiniband === undefined || isWanted(infiniband, names));
    return gpus.flatMap(({ identity: { gpu: index, uuid, pci_bus_id }, gpu }) => {
      const nearest = nearestOf(gpu, adapters);
      return (nearest?.devices ?? []).map(({ device }) => ({
        ...{ gpu: index, uuid, pci_bus_id, device },
        path: nearest?.path ?? '',
      }));
    });
  }
}
