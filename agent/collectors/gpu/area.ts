// What is said of all GPUs of a node together: whether there are any, how many, and whether their reader delivers.
import type { AbsenceReason } from '#agent/contract';
import type { SourceName } from '../../sources/gpu-source.ts';
import type { GaugeSeries, SeriesGroup, Snapshot } from '../../snapshot.ts';
import { AreaPresence } from '../area.ts';
import type { CollectorContext } from '../collector.ts';

/** Who carries, and who counts what only profiling counts. */
export interface ReadBy {
  readonly backend: SourceName;
  readonly profiling: 'gpm' | 'dcgm_exporter' | 'dcgmi' | 'none';
}

export class GpuArea {
  readonly #presence: AreaPresence;
  readonly #snapshot: Snapshot;
  readonly #about: SeriesGroup;
  readonly #group: SeriesGroup;
  #shown: 'reader' | 'failing' | 'nothing' = 'nothing';
  #readBy = '';
  #up: GaugeSeries<'boolean'> | undefined;
  #stuck: GaugeSeries<'boolean'> | undefined;
  #gpus: GaugeSeries<'count'> | undefined;

  constructor(context: CollectorContext) {
    this.#presence = new AreaPresence('gpu', context);
    this.#snapshot = context.snapshot;
    this.#about = context.snapshot.group();
    this.#group = context.snapshot.group();
  }

  delivers(gpus: number, readBy: ReadBy): void {
    this.#presence.set(undefined);
    this.#show('reader');
    this.#tell(readBy);
    this.#up?.set(1);
    this.#stuck?.set(0);
    this.#gpus?.set(gpus);
  }

  /** GPUs that were seen stay, without values. */
  loses(reason: AbsenceReason, isStuck: boolean): void {
    this.#show('reader');
    this.#up?.set(0);
    this.#stuck?.set(Number(isStuck));
    this.#gpus?.absent(reason);
  }

  /** No GPU was ever seen. A reader for nothing is not down. */
  isMissing(reason: AbsenceReason, isStuck: boolean): void {
    this.#presence.set(reason, reason === 'not_present' ? 'no NVIDIA GPU found' : '');
    this.#show(reason === 'not_present' ? 'nothing' : 'failing');
    this.#up?.set(0);
    this.#stuck?.set(Number(isStuck));
  }

  remove(): void {
    this.#presence.remove();
    this.#snapshot.remove(this.#about);
    this.#snapshot.remove(this.#group);
  }

  #show(what: 'reader' | 'failing' | 'nothing'): void {
    if (what === this.#shown) return;
    this.#shown = what;
    this.#group.clear();
    this.#up = what === 'nothing' ? undefined : this.#group.gauge('gpu_reader_up', {});
    this.#stuck = what === 'nothing' ? undefined : this.#group.gauge('gpu_reader_stuck', {});
    this.#gpus = what === 'reader' ? this.#group.gauge('gpus', {}) : undefined;
  }

  #tell({ backend, profiling }: ReadBy): void {
    const told = `${backend} ${profiling}`;
    if (told === this.#readBy) return;
    this.#readBy = told;
    this.#about.clear();
    this.#about.info('gpu_reader_info', { backend, profiling });
  }
}
