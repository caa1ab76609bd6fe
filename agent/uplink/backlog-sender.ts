// Sends what is owed besides the live frames, over one connection: in order, within a window, at a bounded rate.
import { limits, type GapMessage } from '#agent/contract';
import type { Clock } from '../clock.ts';
import type { BacklogItem, Outbox, OwedFrame } from './outbox.ts';
import type { AgentSocket } from './agent-socket.ts';

/** Live frames must stay prompt beside it. */
const STEP_MS = 50;
const MESSAGES_PER_STEP = 15;
const BYTES_PER_STEP = 50_000;

/** A message that counts, as it is acknowledged. */
export type SentItem =
  | { readonly kind: 'frame'; readonly instance: string; readonly seq: number }
  | { readonly kind: 'gap'; readonly gap: GapMessage }
  | { readonly kind: 'end' };

export interface BacklogOptions {
  readonly socket: AgentSocket;
  readonly clock: Clock;
  readonly outbox: Outbox;
  readonly instance: string;
  readonly bytesOf: (frame: OwedFrame) => Promise<Uint8Array | undefined>;
  /** First frame of the live stretch: from there on frames are not owed by the backlog. */
  readonly liveFrom: () => number;
  readonly onAcknowledged: (item: SentItem) => void;
}

export class BacklogSender {
  readonly #options: BacklogOptions;
  /** Sent and not acknowledged, oldest first. */
  #sent: SentItem[] = [];
  #acknowledged = 0;
  #items: Iterator<BacklogItem, undefined> | undefined;
  #busy = false;
  #stopped = false;
  #ended = false;
  #cancel: (() => void) | undefined;

  constructor(options: BacklogOptions) {
    this.#options = options;
  }

  /** There may be something to send. */
  wake(): void {
    if (this.#stopped || this.#busy || this.#cancel) return;
    const { outbox, instance, liveFrom } = this.#options;
    if (!this.#items) {
      // What is on its way is not sent again beside it.
      if (this.#sent.length > 0) return;
      if (!outbox.hasBacklog(instance, liveFrom())) {
        this.#end();
        return;
      }
      this.#items = outbox.backlog(instance, liveFrom());
    }
    this.#busy = true;
    void this.#step()
      .catch(() => undefined)
      .finally(() => {
        this.#busy = false;
        if (!this.#stopped && this.#items) this.#plan();
      });
  }

  /** The first messages of the connection are on the server's disk. */
  acknowledge(count: unknown): void {
    if (typeof count !== 'number' || !Number.isSafeInteger(count)) return;
    const done = this.#sent.splice(0, Math.max(0, count - this.#acknowledged));
    this.#acknowledged += done.length;
    for (const item of done) this.#options.onAcknowledged(item);
    this.wake();
  }

  /** What is owed has changed: it is gone through again from the beginning. */
  restart(): void {
    this.#items = undefined;
    this.wake();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  #plan(): void {
    this.#cancel ??= this.#options.clock.after(STEP_MS, () => {
      this.#cancel = undefined;
      this.wake();
    });
  }

  async #step(): Promise<void> {
    let bytes = 0;
    for (let messages = 0; messages < MESSAGES_PER_STEP && bytes < BYTES_PER_STEP; messages++) {
      const items = this.#items;
      if (!items || this.#stopped || this.#sent.length >= limits.backlogWindow) return;
      const step: IteratorResult<BacklogItem, undefined> = items.next();
      if (step.done === true) {
        if (items === this.#items) this.#items = undefined;
        return;
      }
      bytes += await this.#send(step.value);
    }
  }

  /** Gives how many bytes that was. */
  async #send(item: BacklogItem): Promise<number> {
    const { socket, bytesOf, outbox } = this.#options;
    if (item.kind === 'schema') {
      socket.emit('backlog_schema', item.schema);
      return 0;
    }
    if (item.kind === 'gap') {
      socket.emit('gap', item.gap);
      this.#sent.push(item);
      return 0;
    }
    const { instance, frame } = item;
    const bytes = await bytesOf(frame);
    if (this.#stopped) return 0;
    if (!bytes) {
      const run = outbox.runs.find(({ schema, frames }) => schema.instance === instance && frames.includes(frame));
      if (run) outbox.lose(run, 'damaged', frame.seq);
      return 0;
    }
    socket.emit('backlog', bytes);
    this.#sent.push({ kind: 'frame', instance, seq: frame.seq });
    return bytes.length;
  }

  /** Nothing older is owed: said once per connection, behind a live frame. */
  #end(): void {
    const { socket, liveFrom, outbox, instance } = this.#options;
    const live = outbox.runs.at(-1)?.frames.at(-1);
    if (
      this.#ended ||
      !live ||
      live.seq < liveFrom() ||
      !outbox.runs.some(({ schema }) => schema.instance === instance)
    )
      return;
    this.#ended = true;
    socket.emit('backlog_end');
    this.#sent.push({ kind: 'end' });
  }
}
