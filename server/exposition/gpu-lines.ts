// The verdict lines of one GPU without their values, made when a class first appears.
import { catalogue, metricName, renderLinePrefix } from '#agent/contract';
import { leaves, type LeafClass } from '#server/contract';
import type { FleetGpu } from '../fleet/gpu.ts';

export class GpuLines {
  readonly #gpu: FleetGpu;
  readonly #state = new Map<LeafClass, string>();
  readonly #seconds = new Map<LeafClass, string>();

  constructor(gpu: FleetGpu) {
    this.#gpu = gpu;
  }

  state(leaf: LeafClass): string {
    return kept(this.#state, leaf, () => this.#prefix('gpu_state', [leaf]));
  }

  seconds(leaf: LeafClass): string {
    return kept(this.#seconds, leaf, () => this.#prefix('gpu_state_seconds_total', [leaf, leaves[leaf].owner]));
  }

  #prefix(id: 'gpu_state' | 'gpu_state_seconds_total', last: readonly string[]): string {
    const { node, gpu, uuid } = this.#gpu;
    return renderLinePrefix(metricName(id), ['node', ...catalogue[id].labels], [node.name, gpu, uuid, ...last]);
  }
}

function kept(cache: Map<LeafClass, string>, leaf: LeafClass, make: () => string): string {
  let text = cache.get(leaf);
  if (text === undefined) cache.set(leaf, (text = make()));
  return text;
}
