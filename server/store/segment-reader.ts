// What a segment holds, from its index in memory or its sidecar; a sidecar that turns out to be damaged is made again.
import type { JournalIndex } from './journal-index.ts';
import type { Scanner } from './scan.ts';
import type { NodeFrames, SegmentView } from './segment-index.ts';
import { SidecarError } from './sidecar.ts';

export class SegmentReader {
  readonly #index: JournalIndex;
  readonly #scanner: () => Scanner;
  readonly #rebuilding = new Map<SegmentView, Promise<SegmentView>>();

  constructor(index: JournalIndex, scanner: () => Scanner) {
    this.#index = index;
    this.#scanner = scanner;
  }

  nodes(view: SegmentView): Promise<readonly string[]> {
    return this.#from(view, (one) => one.nodes());
  }

  node(view: SegmentView, name: string): Promise<NodeFrames | undefined> {
    return this.#from(view, (one) => one.node(name));
  }

  async #from<T>(view: SegmentView, read: (view: SegmentView) => Promise<T>): Promise<T> {
    try {
      return await read(view);
    } catch (error) {
      if (!(error instanceof SidecarError)) throw error;
      return read(await this.#rebuild(view));
    }
  }

  #rebuild(view: SegmentView): Promise<SegmentView> {
    const running = this.#rebuilding.get(view) ?? this.#index.rebuild(view, this.#scanner());
    this.#rebuilding.set(view, running);
    return running;
  }
}
