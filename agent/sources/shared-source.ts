// One source that two ask: the page of a dcgm-exporter may carry a node, or add to what another carries. It rests when
// neither wants it, so that the one does not take the other's readings away.
import type { GpuSource } from './gpu-source.ts';

export function shareSource(source: GpuSource): readonly [GpuSource, GpuSource] {
  const users = new Set<GpuSource>();
  const first = new Share(source, users);
  return [first, new Share(source, users)];
}

class Share implements GpuSource {
  readonly #source: GpuSource;
  /** Those who want it to run. */
  readonly #users: Set<GpuSource>;

  constructor(source: GpuSource, users: Set<GpuSource>) {
    this.#source = source;
    this.#users = users;
  }

  get name(): GpuSource['name'] {
    return this.#source.name;
  }

  get state(): GpuSource['state'] {
    return this.#source.state;
  }

  keepRunning(): void {
    this.#users.add(this);
    this.#source.keepRunning();
  }

  settle(timeoutMs: number): Promise<void> {
    return this.#source.settle(timeoutMs);
  }

  pause(): void {
    if (this.#users.delete(this) && this.#users.size === 0) this.#source.pause();
  }

  stop(): void {
    this.#source.stop();
  }
}
