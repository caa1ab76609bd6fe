// What is owed to a server: frames that nobody has acknowledged, in runs that can be decoded alone, and what is lost.
// Knows nothing of disks and sockets.
import { SeqSet, type BacklogSchema, type GapMessage } from '#agent/contract';
import type { Place } from '#agent/journal';

/** Why frames are lost. */
export type LossReason = 'cap' | 'damaged' | 'refused';

/** A frame in memory, on disk, or both. */
export interface OwedFrame {
  readonly seq: number;
  /** On the axis of its process. */
  readonly timeMs: number;
  readonly length: number;
  bytes: Uint8Array | undefined;
  place: Place | undefined;
}

/** A key frame and the deltas that build on it, as far as the next key frame. */
export interface Run {
  readonly schema: BacklogSchema;
  readonly frames: OwedFrame[];
}

export type BacklogItem =
  | { readonly kind: 'schema'; readonly schema: BacklogSchema }
  | { readonly kind: 'frame'; readonly instance: string; readonly frame: OwedFrame }
  | { readonly kind: 'gap'; readonly gap: GapMessage };

export class Outbox {
  #runs: Run[] = [];
  #gaps: GapMessage[] = [];
  readonly #pending = new Map<string, SeqSet>();
  /** The run that the next delta frame belongs to. */
  #growing: Run | undefined;
  #memoryBytes = 0;
  readonly #onLost: (reason: LossReason, frames: number) => void;

  constructor(onLost: (reason: LossReason, frames: number) => void) {
    this.#onLost = onLost;
  }

  /** A delta frame would have nothing to build on. */
  get needsKey(): boolean {
    return this.#growing === undefined;
  }
  get runs(): readonly Run[] {
    return this.#runs;
  }
  get gaps(): readonly GapMessage[] {
    return this.#gaps;
  }
  /** Of frames that are in memory. */
  get memoryBytes(): number {
    return this.#memoryBytes;
  }
  /** Time of the oldest frame that nobody has acknowledged. */
  get oldestMs(): number | undefined {
    for (const run of this.#runs) {
      const found = run.frames.find(({ seq }) => this.isPending(run.schema.instance, seq));
      if (found) return found.timeMs;
    }
    return undefined;
  }
  /** Bytes of all frames that nobody has acknowledged. */
  get pendingBytes(): number {
    let sum = 0;
    for (const { schema, frames } of this.#runs)
      for (const { seq, length } of frames) if (this.isPending(schema.instance, seq)) sum += length;
    return sum;
  }

  pendingOf(instance: string): SeqSet {
    let pending = this.#pending.get(instance);
    if (!pending) this.#pending.set(instance, (pending = new SeqSet()));
    return pending;
  }

  isPending(instance: string, seq: number): boolean {
    return this.#pending.get(instance)?.has(seq) ?? false;
  }

  /** A new frame of this process. */
  add(
    schema: BacklogSchema,
    frame: { readonly seq: number; readonly timeMs: number; readonly key: boolean; readonly bytes: Uint8Array },
  ): void {
    const { seq, timeMs, key, bytes } = frame;
    if (key || !this.#growing) {
      if (!key) throw new TypeError('a delta frame cannot begin a run');
      this.#growing = { schema, frames: [] };
      this.#runs.push(this.#growing);
      this.#prune();
    }
    this.#growing.frames.push({ seq, timeMs, length: bytes.length, bytes, place: undefined });
    this.#memoryBytes += bytes.length;
    this.pendingOf(schema.instance).add(seq);
  }

  /** The newest frame is encoded anew under its number; false if it is on disk or arrived already. */
  takeBack(instance: string, seq: number): boolean {
    const run = this.#runs.at(-1);
    const frame = run?.frames.at(-1);
    if (run?.schema.instance !== instance || frame?.seq !== seq || !frame.bytes || !this.isPending(instance, seq))
      return false;
    run.frames.pop();
    this.#memoryBytes -= frame.bytes.length;
    this.pendingOf(instance).remove(seq);
    return true;
  }

  /** A run of an earlier process, as the disk has it. All its frames are pending that are not said to be done. */
  restore(run: Run, isDone: (seq: number) => boolean): void {
    const pending = run.frames.filter(({ seq }) => !isDone(seq));
    if (pending.length === 0) return;
    this.#runs.push(run);
    for (const { seq } of pending) this.pendingOf(run.schema.instance).add(seq);
  }

  /** Time in which nothing was read although the process lived. */
  pause(instance: string, fromMs: number, toMs: number): void {
    this.#gaps.push({ instance, fromSeq: -1, toSeq: -1, fromMs, toMs, reason: 'paused' });
  }

  /** Told by an earlier process and counted there. */
  restoreGap(gap: GapMessage): void {
    this.#gaps.push(gap);
  }

  /** A server has these on disk. */
  acknowledge(instance: string, from: number, to: number): void {
    this.pendingOf(instance).remove(from, to);
    this.#prune();
  }

  acknowledgeGap(gap: GapMessage): void {
    this.#gaps = this.#gaps.filter((one) => one !== gap);
  }

  /** The frame's bytes are on disk and need not be in memory. */
  settle(frame: OwedFrame, place: Place): void {
    frame.place = place;
    if (frame.bytes) this.#memoryBytes -= frame.bytes.length;
    frame.bytes = undefined;
  }

  /** Whole runs of which a frame is gone: what builds on it means nothing. Frames before `fromSeq` are kept. */
  lose(run: Run, reason: LossReason, fromSeq = -1): void {
    const kept = run.frames.filter(({ seq }) => seq < fromSeq);
    const gone = run.frames.filter(({ seq }) => seq >= fromSeq);
    this.loseFrames(run.schema.instance, gone, reason);
    for (const { bytes } of gone) this.#memoryBytes -= bytes?.length ?? 0;
    run.frames.splice(0, run.frames.length, ...kept);
    if (run === this.#growing) this.#growing = undefined;
    this.#prune();
  }

  /** Drops the oldest runs in memory until there are no more bytes than this. Never the growing one. */
  fit(bytes: number): void {
    for (const run of [...this.#runs]) {
      if (this.#memoryBytes <= bytes) return;
      if (run !== this.#growing && run.frames.some((frame) => frame.bytes)) this.lose(run, 'cap');
    }
  }

  /** Frames that were produced, or numbered, and cannot be sent. What was acknowledged is not lost. */
  loseFrames(
    instance: string,
    frames: readonly { readonly seq: number; readonly timeMs: number }[],
    reason: LossReason,
  ): void {
    const pending = this.pendingOf(instance);
    const lost = frames.filter(({ seq }) => pending.has(seq));
    const [first, last] = [lost[0], lost.at(-1)];
    if (!first || !last) return;
    this.#onLost(reason, lost.length);
    for (const { seq } of lost) pending.remove(seq);
    const before = this.#gaps.at(-1);
    if (before?.instance === instance && before.reason === reason && before.toSeq === first.seq - 1)
      this.#gaps.splice(-1, 1, { ...before, toSeq: last.seq, toMs: last.timeMs });
    else
      this.#gaps.push({
        ...{ instance, reason, fromSeq: first.seq, toSeq: last.seq },
        fromMs: first.timeMs,
        toMs: last.timeMs,
      });
  }

  /** Whether anything is owed besides the live frames from `liveFrom` of `instance` on. */
  hasBacklog(instance: string, liveFrom: number): boolean {
    if (this.#gaps.length > 0) return true;
    for (const [one, pending] of this.#pending) {
      const first = pending.first;
      if (first !== undefined && (one !== instance || first < liveFrom)) return true;
    }
    return false;
  }

  /** Everything that is owed besides the live frames, oldest first; frames in the order in which they decode. */
  *backlog(instance: string, liveFrom: number): Generator<BacklogItem, undefined> {
    let schema: BacklogSchema | undefined;
    for (const gap of [...this.#gaps]) yield { kind: 'gap', gap };
    for (const run of [...this.#runs]) {
      const isLive = (seq: number): boolean => run.schema.instance === instance && seq >= liveFrom;
      const last = run.frames.findLast(({ seq }) => this.isPending(run.schema.instance, seq) && !isLive(seq));
      if (!last) continue;
      if (schema !== run.schema) yield { kind: 'schema', schema: run.schema };
      schema = run.schema;
      for (const frame of [...run.frames]) {
        if (frame.seq > last.seq) break;
        yield { kind: 'frame', instance: run.schema.instance, frame };
      }
    }
    return undefined;
  }

  /** The pending frames' runs stay, and the growing one. */
  #prune(): void {
    this.#runs = this.#runs.filter((run) => {
      if (run === this.#growing) return true;
      const [first, last] = [run.frames[0], run.frames.at(-1)];
      const pending = this.#pending.get(run.schema.instance);
      const stays =
        first !== undefined && last !== undefined && pending !== undefined && hasAny(pending, first.seq, last.seq);
      if (!stays) for (const { bytes } of run.frames) this.#memoryBytes -= bytes?.length ?? 0;
      return stays;
    });
    for (const [instance, pending] of this.#pending)
      if (pending.isEmpty && instance !== this.#growing?.schema.instance) this.#pending.delete(instance);
  }
}

function hasAny(set: SeqSet, from: number, to: number): boolean {
  return set.ranges.some(([low, high]) => low <= to && high >= from);
}
