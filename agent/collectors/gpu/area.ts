// What is said of all GPUs of a node together: whether there are any, how many, and whether their reader delivers.
import type { AbsenceReason } from '#agent/contract';
import type { GaugeSeries, SeriesGroup, Snapshot } from '../../snapshot.ts';
import { AreaPresence } from '../area.ts';
import type { CollectorContext } from '../collector.ts';

export class GpuArea {
  readonly #presence: AreaPresence;
  readonly #snapshot: Snapshot;
  readonly #group: SeriesGroup;
  #shown: 'reader' | 'failing' | 'nothing' = 'nothing';
  #up: GaugeSeries<'boolean'> | undefined;
  #gpus: GaugeSeries<'count'> | undefined;

  constructor(context: CollectorContext) {
    this.#presence = new AreaPresence('gpu', context);
    this.#snapshot = context.snapshot;
    this.#group = context.snapshot.group();
  }

  delivers(gpus: number): void {
    this.#presence.set(undefined);
    this.#show('reader');
    this.#up?.set(1);
    this.#gpus?.set(gpus);
  }

  /** GPUs that were seen stay, without values. */
  loses(reason: AbsenceReason): void {
    this.#show('reader');
    this.#up?.set(0);
    this.#gpus?.absent(reason);
  }

  /** No GPU was ever seen. A reader for nothing is not down. */
  isMissing(reason: AbsenceReason): void {
    this.#presence.set(reason, reason === 'not_present' ? 'no NVIDIA GPU found' : '');
    this.#show(reason === 'not_present' ? 'nothing' : 'failing');
    this.#up?.set(0);
  }

  remove(): void {
    this.#presence.remove();
    this.#snapshot.remove(this.#group);
  }

  #show(what: 'reader' | 'failing' | 'nothing'): void {
    if (what === this.#shown) return;
    this.#shown = what;
    this.#group.clear();
    this.#up = what === 'nothing' ? undefined : this.#group.gauge('gpu_reader_up', {});
    this.#gpus = what === 'reader' ? this.#group.gauge('gpus', {}) : undefined;
    if (what === 'reader') this.#group.info('gpu_reader_info', { backend: 'nvidia_smi', profiling: 'none' });
  }
}
