// The indexes of all segments: sidecars of the sealed ones, the growing one in memory.
import type { Journal, SegmentInfo } from '#agent/journal';
import type { Scanner } from './scan.ts';
import { SegmentIndex, type SegmentView } from './segment-index.ts';
import { removeSidecar, Sidecar, SidecarError, writeSidecar } from './sidecar.ts';

export class JournalIndex {
  /** In journal order. */
  #views: SegmentView[] = [];
  readonly #files = new Map<number, string>();
  /** Last segment that names a schema, by its first record. */
  readonly #schemas = new Map<string, number>();

  static async open(journal: Journal, scanner: Scanner): Promise<JournalIndex> {
    const index = new JournalIndex();
    for (const segment of journal.segments()) {
      index.#files.set(segment.first, segment.file);
      index.#add(segment.sealed ? await openSealed(segment, scanner) : await scanner.read(segment));
    }
    return index;
  }

  get views(): readonly SegmentView[] {
    return this.#views;
  }

  get lastSession(): number {
    return this.#views.reduce((last, { summary }) => Math.max(last, summary.lastSession), 0);
  }

  /** The one that grows, if there is one of this number. */
  growing(first: number): SegmentIndex | undefined {
    const last = this.#views.at(-1);
    return last instanceof SegmentIndex && last.first === first ? last : undefined;
  }

  begin(first: number): SegmentIndex {
    const index = new SegmentIndex(first);
    this.#views.push(index);
    return index;
  }

  /** The segment is complete on disk: its index goes into a sidecar. If that fails it stays in memory. */
  async seal(segment: SegmentInfo): Promise<void> {
    this.#files.set(segment.first, segment.file);
    const at = this.#views.findIndex(({ summary }) => summary.first === segment.first);
    const index = this.#views[at];
    if (!(index instanceof SegmentIndex)) return;
    this.#remember(index);
    await writeSidecar(segment.file, index);
    const sidecar = await Sidecar.open(segment.file, segment);
    // Segments may have gone while it was written.
    const now = this.#views.indexOf(index);
    if (now >= 0) this.#views[now] = sidecar;
  }

  /** The sidecar turned out to be damaged: reads the segment again. */
  async rebuild(view: SegmentView, scanner: Scanner): Promise<SegmentView> {
    const { first, last } = view.summary;
    const index = await scanner.read({ first, last });
    const at = this.#views.indexOf(view);
    if (at >= 0) this.#views[at] = index;
    const file = this.#files.get(first);
    if (file !== undefined) await writeSidecar(file, index).catch(() => undefined);
    return index;
  }

  /** Segments before this one are gone; gives the schemas that nobody names any more. */
  async drop(firstKept: number): Promise<readonly string[]> {
    const gone = this.#views.filter(({ summary }) => summary.last < firstKept && summary.first < firstKept);
    this.#views = this.#views.filter((view) => !gone.includes(view));
    for (const { summary } of gone) {
      const file = this.#files.get(summary.first);
      if (file !== undefined) await removeSidecar(file);
      this.#files.delete(summary.first);
    }
    const growing = this.#views.filter((view) => view instanceof SegmentIndex);
    for (const view of growing) this.#remember(view);
    const unused = [...this.#schemas].filter(([, last]) => last < firstKept).map(([name]) => name);
    for (const name of unused) this.#schemas.delete(name);
    return unused;
  }

  /** Schemas that some segment names. */
  names(schema: string): boolean {
    return this.#schemas.has(schema);
  }

  #add(view: SegmentView): void {
    this.#views.push(view);
    this.#remember(view);
  }

  #remember({ summary }: SegmentView): void {
    for (const name of summary.schemas) this.#schemas.set(name, summary.first);
  }
}

async function openSealed(segment: SegmentInfo, scanner: Scanner): Promise<SegmentView> {
  try {
    return await Sidecar.open(segment.file, segment);
  } catch (error) {
    if (!(error instanceof SidecarError)) throw error;
  }
  const index = await scanner.read(segment);
  await writeSidecar(segment.file, index).catch(() => undefined);
  return index;
}
