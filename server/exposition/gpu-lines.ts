// The verdict lines of one GPU without their values, made when a class first appears.
import { catalogue, metricName, renderLinePrefix } from '#agent/contract';
import type { LeafClass } from '#server/contract';
import type { FleetGpu } from '../fleet/gpu.ts';
import type { JobRecord } from '../jobs/job-record.ts';
import { partsOfKey, type BookKey } from '../ledger/book-key.ts';

type VerdictId = 'gpu_state' | 'gpu_state_seconds_total' | 'gpu_effective_ratio' | 'gpu_verdict_confidence';

export class GpuLines {
  readonly #gpu: FleetGpu;
  readonly #state = new Map<LeafClass, string>();
  readonly #seconds = new Map<BookKey, string>();
  #effective: string | undefined;
  #confidence: string | undefined;

  constructor(gpu: FleetGpu) {
    this.#gpu = gpu;
  }

  state(leaf: LeafClass): string {
    return kept(this.#state, leaf, () => this.#prefix('gpu_state', [leaf]));
  }

  seconds(key: BookKey): string {
    return kept(this.#seconds, key, () => {
      const { class: leaf, owner } = partsOfKey(key);
      return this.#prefix('gpu_state_seconds_total', [leaf, owner]);
    });
  }

  get effective(): string {
    return (this.#effective ??= this.#prefix('gpu_effective_ratio', []));
  }

  get attributed(): string {
    const { node, gpu, uuid, pciBusId } = this.#gpu;
    return renderLinePrefix(
      metricName('gpu_attributed'),
      ['node', ...catalogue.gpu_attributed.labels],
      [node.name, gpu, uuid, pciBusId],
    );
  }

  get confidence(): string {
    return (this.#confidence ??= this.#prefix('gpu_verdict_confidence', []));
  }

  #prefix(id: VerdictId, last: readonly string[]): string {
    const { node, gpu, uuid } = this.#gpu;
    return renderLinePrefix(metricName(id), ['node', ...catalogue[id].labels], [node.name, gpu, uuid, ...last]);
  }
}

/** Users write names; not all that they write is well formed. */
export function renderJob({ node, gpu, uuid }: FleetGpu, job: JobRecord): string {
  const who = [job.id, job.arrayJobId, job.user, job.account, job.partition, job.scheduler];
  return renderLinePrefix(
    metricName('gpu_job_info'),
    ['node', ...catalogue.gpu_job_info.labels],
    [node.name, gpu, uuid, ...who].map((text) => text.toWellFormed()),
  );
}

function kept<K>(cache: Map<K, string>, key: K, make: () => string): string {
  let text = cache.get(key);
  if (text === undefined) cache.set(key, (text = make()));
  return text;
}
