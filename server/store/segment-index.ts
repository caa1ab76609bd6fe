// What one segment of the journal holds: its nodes, their sessions, the places of their frames, its gaps.
import type { Place } from '#agent/journal';
import type { GapEntry } from './entries.ts';
import { ChainIndex, readPlaces, type ChainHead, type FramePlaces } from './frame-places.ts';
import type { FrameRecord, SessionRecord } from './records.ts';

export type TimeRange = readonly [fromMs: number, toMs: number];

/** A session as one segment knows it, and where its record is. */
export interface SessionHead {
  readonly session: number;
  readonly node: string;
  readonly instance: string;
  readonly intervalMs: number;
  readonly schema: string;
  readonly place: Place;
}

export interface NodeFrames {
  readonly node: string;
  readonly sessions: readonly SessionHead[];
  readonly chains: readonly { readonly head: ChainHead; readonly places: () => FramePlaces }[];
}

/** Small enough to be kept in memory for every segment. */
export interface SegmentSummary {
  readonly first: number;
  readonly last: number;
  /** Times of the frames; null where there are none. */
  readonly live: TimeRange | null;
  readonly backlog: TimeRange | null;
  /** From here on all its live frames can be decoded without an earlier segment. */
  readonly readableFromMs: number | null;
  readonly lastSession: number;
  readonly schemas: readonly string[];
  readonly gaps: readonly { readonly position: number; readonly gap: GapEntry }[];
  /** Position of the first part of a checkpoint that is whole. */
  readonly checkpoint: number | null;
}

/** A segment whose index is in memory or in its sidecar. */
export interface SegmentView {
  readonly summary: SegmentSummary;
  nodes(): Promise<readonly string[]>;
  node(name: string): Promise<NodeFrames | undefined>;
}

class NodeIndex {
  readonly sessions = new Map<number, SessionHead>();
  readonly chains = new Map<number, ChainIndex>();
}

/** Built as the records are appended, or by reading them again. */
export class SegmentIndex implements SegmentView {
  readonly first: number;
  #last: number;
  readonly #nodes = new Map<string, NodeIndex>();
  readonly #gaps: { position: number; gap: GapEntry }[] = [];
  readonly #live: [number, number] = [Infinity, -Infinity];
  readonly #backlog: [number, number] = [Infinity, -Infinity];
  #lastSession = 0;
  #checkpoint: number | null = null;
  #checkpointBegun = -1;

  constructor(first: number) {
    this.first = first;
    this.#last = first - 1;
  }

  get checkpoint(): number | null {
    return this.#checkpoint;
  }

  /** Any record, also one that is of no interest here. */
  saw(position: number): void {
    this.#last = position;
  }

  addSession({ session, node, instance, intervalMs, schema }: SessionRecord, place: Place): void {
    this.#lastSession = Math.max(this.#lastSession, session);
    this.#node(node).sessions.set(session, { session, node, instance, intervalMs, schema, place });
  }

  addFrame(node: string, frame: FrameRecord, place: Place): void {
    const { chains } = this.#node(node);
    const key = chainKey(frame.session, frame.backlog);
    let chain = chains.get(key);
    if (!chain) {
      chain = new ChainIndex(frame.session, frame.backlog);
      chains.set(key, chain);
    }
    chain.add(frame, place);
    const range = frame.backlog ? this.#backlog : this.#live;
    if (frame.timeMs < range[0]) range[0] = frame.timeMs;
    if (frame.timeMs > range[1]) range[1] = frame.timeMs;
  }

  addGap(gap: GapEntry, position: number): void {
    this.#gaps.push({ position, gap });
  }

  addCheckpoint({ part, parts }: { readonly part: number; readonly parts: number }, position: number): void {
    if (part === 0) this.#checkpointBegun = position;
    if (part === parts - 1 && this.#checkpointBegun >= 0) this.#checkpoint ??= this.#checkpointBegun;
  }

  get summary(): SegmentSummary {
    const nodes = [...this.#nodes.values()];
    const sessions = nodes.flatMap((node) => [...node.sessions.values()]);
    const lateKeys = nodes.flatMap((node) => [...node.chains.values()].flatMap(readableFrom));
    const live = rangeOf(this.#live);
    return {
      first: this.first,
      last: this.#last,
      live,
      backlog: rangeOf(this.#backlog),
      readableFromMs: live && lateKeys.reduce((latest, ms) => Math.max(latest, ms), live[0]),
      lastSession: this.#lastSession,
      schemas: [...new Set(sessions.map(({ schema }) => schema))],
      gaps: this.#gaps,
      checkpoint: this.#checkpoint,
    };
  }

  nodes(): Promise<readonly string[]> {
    return Promise.resolve([...this.#nodes.keys()]);
  }

  node(name: string): Promise<NodeFrames | undefined> {
    return Promise.resolve(this.frames(name));
  }

  frames(name: string): NodeFrames | undefined {
    const node = this.#nodes.get(name);
    if (!node) return undefined;
    const chains = [...node.chains.values()].map((chain) => ({
      head: chain.head(),
      columns: chain.columns,
      places: () => readPlaces(chain.columns, chain.count),
    }));
    return { node: name, sessions: [...node.sessions.values()], chains };
  }

  /** Everything, for the sidecar. */
  *blocks(): Iterable<{
    readonly node: string;
    readonly sessions: readonly SessionHead[];
    readonly chains: readonly ChainIndex[];
  }> {
    for (const [node, { sessions, chains }] of this.#nodes) {
      yield { node, sessions: [...sessions.values()], chains: [...chains.values()] };
    }
  }

  #node(name: string): NodeIndex {
    let node = this.#nodes.get(name);
    if (!node) {
      node = new NodeIndex();
      this.#nodes.set(name, node);
    }
    return node;
  }
}

export function chainKey(session: number, backlog: boolean): number {
  return session * 2 + (backlog ? 1 : 0);
}

/** Where a live chain that goes on from an earlier segment has its first key frame. */
function readableFrom({ backlog, fromMs, firstKeyMs }: ChainHead): readonly number[] {
  return backlog || firstKeyMs === null || firstKeyMs === fromMs ? [] : [firstKeyMs];
}

function rangeOf([fromMs, toMs]: readonly [number, number]): TimeRange | null {
  return fromMs <= toMs ? [fromMs, toMs] : null;
}
