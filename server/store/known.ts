// Which frames of which agent process are stored or recorded as lost, and how much time is. What has to outlive the
// segments is written into each new one as a checkpoint.
import { gapReasons, SeqSet, type GapReason } from '#agent/contract';
import type { GapEntry, KnownInstance } from './entries.ts';
import type { CheckpointKnown, CheckpointRecord } from './records.ts';

/** An agent that comes back after longer than this begins as a new one. */
const REMEMBERED_MS = 48 * 3_600_000;
const INSTANCES_PER_PART = 1000;

interface Instance {
  readonly node: string;
  readonly instance: string;
  readonly seqs: SeqSet;
  lastMs: number;
  seenMs: number;
  /** Time between its frames, as far as it is known. */
  intervalMs: number;
}

export class Known {
  readonly #instances = new Map<string, Map<string, Instance>>();
  readonly gapSeconds = new Map<GapReason, number>();

  session(node: string, instance: string, intervalMs: number): void {
    this.#of(node, instance).intervalMs = intervalMs;
  }

  has(node: string, instance: string, seq: number): boolean {
    return this.#instances.get(node)?.get(instance)?.seqs.has(seq) ?? false;
  }

  frame(
    node: string,
    instance: string,
    frame: { readonly seq: number; readonly timeMs: number; readonly receivedMs: number },
  ): void {
    const known = this.#of(node, instance);
    known.seqs.add(frame.seq);
    if (frame.timeMs > known.lastMs) known.lastMs = frame.timeMs;
    if (frame.receivedMs > known.seenMs) known.seenMs = frame.receivedMs;
  }

  gap(gap: GapEntry): void {
    const { node, instance, fromSeq, toSeq, fromMs, toMs, reason } = gap;
    let seconds = Math.max(0, toMs - fromMs) / 1000;
    if (fromSeq >= 0) {
      const known = this.#of(node, instance);
      known.seqs.add(fromSeq, toSeq);
      known.seenMs = Math.max(known.seenMs, toMs);
      // From the first to the last lost frame it is one interval too few.
      const count = toSeq - fromSeq + 1;
      seconds = count > 1 ? (seconds * count) / (count - 1) : known.intervalMs / 1000;
    }
    this.gapSeconds.set(reason, (this.gapSeconds.get(reason) ?? 0) + seconds);
  }

  /** Takes over what an earlier checkpoint says; its sums of time count everything up to it. */
  load({ part, known, gapSeconds }: CheckpointRecord): void {
    for (const one of known) this.#loadInstance(one);
    if (part > 0) return;
    for (const reason of gapReasons) {
      const seconds = gapSeconds[reason];
      if (seconds !== undefined) this.gapSeconds.set(reason, seconds);
    }
  }

  /** What a checkpoint must say now; forgets who has not been heard for long. */
  checkpoint(nowMs: number): readonly Omit<CheckpointRecord, 'kind'>[] {
    this.#forget(nowMs - REMEMBERED_MS);
    const all = [...this.#all()].map(({ node, instance, seqs, lastMs, seenMs }): CheckpointKnown => ({
      node,
      instance,
      seqs: seqs.ranges.map(([from, to]) => [from, to]),
      lastMs: finite(lastMs, seenMs),
      seenMs: finite(seenMs, nowMs),
    }));
    const parts = Math.max(1, Math.ceil(all.length / INSTANCES_PER_PART));
    const gapSeconds = Object.fromEntries(this.gapSeconds);
    return Array.from({ length: parts }, (_, part) => ({
      part,
      parts,
      known: all.slice(part * INSTANCES_PER_PART, (part + 1) * INSTANCES_PER_PART),
      gapSeconds: part === 0 ? gapSeconds : {},
    }));
  }

  list(): readonly KnownInstance[] {
    return [...this.#all()]
      .filter(({ seqs }) => !seqs.isEmpty)
      .map(({ node, instance, seqs, lastMs, seenMs }) => ({
        ...{ node, instance, seqs: seqs.ranges },
        lastMs: finite(lastMs, seenMs),
      }));
  }

  #loadInstance({ node, instance, seqs, lastMs, seenMs }: CheckpointKnown): void {
    const known = this.#of(node, instance);
    for (const [from, to] of seqs) known.seqs.add(from, to);
    known.lastMs = Math.max(known.lastMs, lastMs);
    known.seenMs = Math.max(known.seenMs, seenMs);
  }

  #forget(beforeMs: number): void {
    for (const [node, instances] of this.#instances) {
      for (const [name, { seenMs }] of instances) if (seenMs < beforeMs && seenMs !== -Infinity) instances.delete(name);
      if (instances.size === 0) this.#instances.delete(node);
    }
  }

  *#all(): Iterable<Instance> {
    for (const instances of this.#instances.values()) yield* instances.values();
  }

  #of(node: string, instance: string): Instance {
    let instances = this.#instances.get(node);
    if (!instances) {
      instances = new Map();
      this.#instances.set(node, instances);
    }
    let known = instances.get(instance);
    if (!known) {
      known = { node, instance, seqs: new SeqSet(), lastMs: -Infinity, seenMs: -Infinity, intervalMs: 0 };
      instances.set(instance, known);
    }
    return known;
  }
}

function finite(ms: number, instead: number): number {
  return Number.isFinite(ms) ? ms : Number.isFinite(instead) ? instead : 0;
}
