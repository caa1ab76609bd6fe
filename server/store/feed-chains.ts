// The sessions that are being read by what follows the journal, each with its decoder.
import { ChainDecoder } from './chain-decoder.ts';
import type { DecodedSession } from './consumer.ts';
import type { FrameRecord, SessionRecord } from './records.ts';
import type { SchemaCache } from './schema-cache.ts';
import { chainKey } from './segment-index.ts';

/** A chain that is silent for so long, or for three of its intervals, needs no decoder any more. */
const IDLE_MS = 600_000;
/** A session that is going on is written again with every segment. */
const FORGET_SESSION_MS = 2 * 3_600_000;

export interface FeedChain {
  readonly session: DecodedSession;
  readonly frames: ChainDecoder;
  usedMs: number;
}

export interface ChainEvents {
  readonly onBegin: (session: DecodedSession) => void;
  readonly onEnd: (session: DecodedSession) => void;
}

export class FeedChains {
  readonly #schemas: SchemaCache;
  readonly #events: ChainEvents;
  readonly #sessions = new Map<number, { readonly record: SessionRecord; readonly seenMs: number }>();
  readonly #chains = new Map<number, FeedChain>();
  /** The live chain of each node. */
  readonly #live = new Map<string, number>();
  /** Frames that are not shown, kept until one that is builds on them. */
  readonly #kept = new Map<number, FrameRecord[]>();

  constructor(schemas: SchemaCache, events: ChainEvents) {
    this.#schemas = schemas;
    this.#events = events;
  }

  saw(record: SessionRecord, nowMs: number): void {
    this.#sessions.set(record.session, { record, seenMs: nowMs });
  }

  /** Only the frames since the newest key frame can be of use. */
  keep(frame: FrameRecord): void {
    const key = keyOf(frame);
    const kept = this.#kept.get(key);
    // Copied: it is a view of a much larger piece of the journal.
    const copy = { ...frame, bytes: new Uint8Array(frame.bytes) };
    if (frame.key || !kept) this.#kept.set(key, [copy]);
    else kept.push(copy);
  }

  forgetKept(): void {
    this.#kept.clear();
  }

  get(frame: FrameRecord): FeedChain | undefined {
    return this.#chains.get(keyOf(frame));
  }

  /** Undefined if nobody knows the session or its series. */
  async open(frame: FrameRecord): Promise<FeedChain | undefined> {
    const record = this.#sessions.get(frame.session)?.record;
    const schema = record && (await this.#schemas.get(record.schema));
    if (!schema) return undefined;
    const key = keyOf(frame);
    const { session: number, node, instance, intervalMs } = record;
    const { published, size } = schema;
    const { backlog } = frame;
    const session = { session: number, node, instance, intervalMs, backlog, schema: record.schema, published, size };
    const chain = { session, frames: new ChainDecoder(size), usedMs: 0 };
    for (const before of this.#kept.get(key) ?? []) chain.frames.take(before);
    this.#kept.delete(key);
    this.#chains.set(key, chain);
    this.#events.onBegin(session);
    if (!backlog) this.#replaceLive(node, key);
    return chain;
  }

  sweep(nowMs: number): void {
    for (const [key, { usedMs, session }] of this.#chains) {
      if (nowMs - usedMs > Math.max(IDLE_MS, 3 * session.intervalMs)) this.#end(key);
    }
    for (const [number, { seenMs }] of this.#sessions) {
      const isOpen = this.#chains.has(chainKey(number, false)) || this.#chains.has(chainKey(number, true));
      if (!isOpen && nowMs - seenMs > FORGET_SESSION_MS) this.#sessions.delete(number);
    }
    for (const [node, key] of this.#live) if (!this.#chains.has(key)) this.#live.delete(node);
  }

  /** A node has one live session: the one before is over. */
  #replaceLive(node: string, key: number): void {
    const before = this.#live.get(node);
    this.#live.set(node, key);
    if (before !== undefined) this.#end(before);
  }

  #end(key: number): void {
    const chain = this.#chains.get(key);
    this.#chains.delete(key);
    if (chain) this.#events.onEnd(chain.session);
  }
}

function keyOf({ session, backlog }: FrameRecord): number {
  return chainKey(session, backlog);
}
