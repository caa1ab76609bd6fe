// The pods of a node that have GPUs, asked of the kubelet every 10 s.
import type { GpuPod } from '#agent/contract';
import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import { ParseError } from '../parse/parse-error.ts';
import type { PodDevices } from '../parse/pod-resources.ts';
import { PodResourcesError } from './pod-error.ts';

const EVERY_MS = 10_000;
/** A kubelet that restarts is asked again; its pods go on. */
const KEPT_MS = 60_000;

export interface PodWatchOptions {
  readonly list: () => Promise<readonly PodDevices[]>;
  /** Whether the socket is there. */
  readonly isThere: () => boolean;
  readonly clock: Clock;
  readonly log: Log;
  readonly onChange: () => void;
}

export class PodWatch {
  readonly #options: PodWatchOptions;
  #pods: readonly GpuPod[] | undefined;
  #answeredMs = -Infinity;
  #cancel: (() => void) | undefined;
  #problem: string | undefined;
  #isStopped = false;

  constructor(options: PodWatchOptions) {
    this.#options = options;
  }

  /** undefined where there is no kubelet, or it no longer answers. */
  get pods(): readonly GpuPod[] | undefined {
    return this.#options.clock.monotonicMs() - this.#answeredMs <= KEPT_MS ? this.#pods : undefined;
  }

  start(): void {
    void this.#ask();
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel?.();
  }

  async #ask(): Promise<void> {
    const { list, isThere, clock, log } = this.#options;
    try {
      if (isThere()) this.#take(podsWithGpus(await list()));
    } catch (error) {
      if (!(error instanceof PodResourcesError || error instanceof ParseError)) throw error;
      if (this.#problem !== error.message) log.warn('the pods of this node are not known', { reason: error.message });
      this.#problem = error.message;
    }
    if (this.#isStopped) return;
    this.#cancel = clock.after(EVERY_MS, () => {
      void this.#ask();
    });
  }

  #take(pods: readonly GpuPod[]): void {
    const { clock, log, onChange } = this.#options;
    if (this.#problem !== undefined) log.info('the pods of this node are known again');
    this.#problem = undefined;
    this.#answeredMs = clock.monotonicMs();
    if (JSON.stringify(pods) === JSON.stringify(this.#pods)) return;
    this.#pods = pods;
    onChange();
  }
}

const MOST_PODS = 256;
const MOST_TEXT = 256;

/** One entry per container; network cards and other devices are left out. A part that is shared ends in `::n`. */
export function podsWithGpus(all: readonly PodDevices[]): readonly GpuPod[] {
  return all
    .flatMap(({ namespace, pod, container, resource, ids }): readonly GpuPod[] => {
      const devices = [...new Set(ids.map((id) => id.split('::')[0] ?? ''))].filter((id) => isGpu(id, resource));
      return devices.length === 0 ? [] : [{ namespace, pod, container, devices: devices.slice(0, MOST_PODS).map(cut) }];
    })
    .slice(0, MOST_PODS)
    .map((one) => ({ ...one, namespace: cut(one.namespace), pod: cut(one.pod), container: cut(one.container) }));
}

function isGpu(id: string, resource: string): boolean {
  return /^(?:GPU|MIG)-/.test(id) || (/gpu/i.test(resource) && /^[\da-f]{4,8}:[\da-f]{2}:[\da-f]{2}\.\d$/i.test(id));
}

function cut(text: string): string {
  return text.slice(0, MOST_TEXT);
}
