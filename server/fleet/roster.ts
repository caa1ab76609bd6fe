// Which GPUs a node has, over changes of its schema. A GPU that vanished stays, unobserved, until another one sits in
// its place or it turns up under another index: then its account is closed.
import type { Ledger } from '../ledger/ledger.ts';
import { FleetGpu } from './gpu.ts';
import type { FleetNode } from './node.ts';
import { naturally } from './order.ts';
import type { GpuSeries } from './schema.ts';

/** More GPUs than any machine holds; a node that keeps inventing them is not followed further. */
export const MAX_GPUS = 256;

export class GpuRoster {
  readonly #node: FleetNode;
  readonly #ledger: Ledger;
  #gpus: readonly FleetGpu[] = [];
  #opened = 0;

  constructor(node: FleetNode, ledger: Ledger) {
    this.#node = node;
    this.#ledger = ledger;
  }

  /** In natural order of their index. */
  get gpus(): readonly FleetGpu[] {
    return this.#gpus;
  }

  /** Takes over the GPUs of a new schema. True if the directory changed. */
  update(series: readonly GpuSeries[], nowMs: number): boolean {
    const kept = this.#gpus.filter((gpu) => this.#keeps(gpu, series, nowMs));
    const known = new Map(kept.map((gpu) => [keyOf(gpu), gpu]));
    let changed = kept.length !== this.#gpus.length;
    for (const gpu of kept) changed = gpu.show(series.find((one) => keyOf(one) === keyOf(gpu))) || changed;
    const added = series.filter((one) => !known.has(keyOf(one))).flatMap((one) => this.#open(one, nowMs));
    this.#gpus = [...kept, ...added].toSorted((a, b) => naturally(a.gpu, b.gpu) || naturally(a.uuid, b.uuid));
    return changed || added.length > 0;
  }

  #keeps(gpu: FleetGpu, series: readonly GpuSeries[], nowMs: number): boolean {
    if (series.some((one) => keyOf(one) === keyOf(gpu))) return true;
    const moved = series.some((one) => one.uuid === gpu.uuid);
    const inItsPlace = series.find((one) => one.gpu === gpu.gpu);
    const swapped = inItsPlace !== undefined && !this.#gpus.some((one) => one.uuid === inItsPlace.uuid);
    if (!moved && !swapped) return true;
    this.#ledger.close({ node: this.#node.name, gpu: gpu.gpu, uuid: gpu.uuid }, nowMs);
    return false;
  }

  #open(series: GpuSeries, nowMs: number): readonly FleetGpu[] {
    if (this.#opened >= MAX_GPUS) return [];
    this.#opened++;
    const { gpu, uuid } = series;
    return [new FleetGpu(this.#node, series, this.#ledger.open({ node: this.#node.name, gpu, uuid }, nowMs))];
  }
}

function keyOf({ gpu, uuid }: { readonly gpu: string; readonly uuid: string }): string {
  return JSON.stringify([gpu, uuid]);
}
