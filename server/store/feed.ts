// Shows the journal to what follows it: every durable record once, in order, decoded once for all of them. What has just
// been written comes from memory; at a start, and when somebody is slow, it is read from the journal.
import type { Journal } from '#agent/journal';
import type { SampleConsumer } from './consumer.ts';
import { FeedChains } from './feed-chains.ts';
import type { Written } from './journal-writer.ts';
import { parseRecord, RecordError, type FrameRecord, type GapRecord } from './records.ts';
import type { SchemaCache } from './schema-cache.ts';
import { Slices } from './slices.ts';

const ADVANCE_MS = 1000;
const SWEEP_MS = 60_000;
/** Sessions that go on over a failure of the worker have sent something by then. */
const RESUMED_WITHIN_MS = 20 * 60_000;
/** More than this waiting in memory is dropped there and read from the journal instead. */
const MAX_WAITING_BYTES = 32 << 20;

export interface FeedParts {
  readonly journal: Journal;
  readonly schemas: SchemaCache;
  readonly consumers: readonly SampleConsumer[];
  /** Where to begin reading so that the sessions going on at the least watermark have a key frame before it. */
  readonly beginBefore: (watermark: number) => number;
  readonly nowMs: () => number;
  readonly warn: (message: string, error: unknown) => void;
}

export class Feed {
  readonly #parts: FeedParts;
  #consumers: readonly SampleConsumer[];
  readonly #chains: FeedChains;
  #waiting: Written[] = [];
  #waitingBytes = 0;
  #durable = 0;
  /** Next position to show. */
  #next: number;
  #wake: () => void = () => undefined;
  #closed = false;
  #running: Promise<void> | undefined;
  #advancedMs = -Infinity;
  #sweptMs = 0;
  /** By then the sessions that go on have sent something. */
  #resumedMs = -Infinity;
  /** Last record that was there at the start. */
  #startEnd = 0;

  constructor(parts: FeedParts) {
    this.#parts = parts;
    this.#consumers = parts.consumers;
    this.#chains = new FeedChains(parts.schemas, {
      onBegin: (session) => {
        this.#each(Infinity, (consumer) => {
          consumer.session(session);
        });
      },
      onEnd: (session) => {
        this.#each(Infinity, (consumer) => {
          consumer.sessionEnd?.(session);
        });
      },
    });
    const least = Math.min(...parts.consumers.map(({ watermark }) => watermark));
    this.#next = parts.consumers.length === 0 ? Infinity : parts.beginBefore(least);
  }

  /** Everything below may go: nobody needs it any more. */
  get needed(): number {
    return Math.min(...this.#consumers.map(({ watermark }) => watermark + 1));
  }

  /** `sessionsGoOn`: those of the records before may get further frames. */
  start(durable: number, sessionsGoOn: boolean): void {
    this.#durable = durable;
    this.#resumedMs = sessionsGoOn ? this.#parts.nowMs() + RESUMED_WITHIN_MS : -Infinity;
    this.#startEnd = durable;
    if (this.#consumers.length > 0) this.#running = this.#run();
  }

  written(record: Written): void {
    if (this.#consumers.length === 0) return;
    this.#waiting.push(record);
    this.#waitingBytes += record.bytes.length;
    if (this.#waitingBytes > MAX_WAITING_BYTES) this.#dropWaiting();
  }

  durable(position: number): void {
    this.#durable = position;
    this.#wake();
  }

  /** Shows what is durable, as far as there is time, and ends. */
  async close(withinMs: number): Promise<void> {
    this.#closed = true;
    this.#wake();
    const late = new Promise<void>((resolve) => setTimeout(resolve, withinMs).unref());
    await Promise.race([this.#running, late]);
    await Promise.race([Promise.allSettled(this.#consumers.map((one) => one.close())), late]);
  }

  async #run(): Promise<void> {
    for (;;) {
      if (this.#next <= this.#durable) await this.#show();
      await this.#advance();
      if (this.#next > this.#durable) {
        if (this.#closed) return;
        await this.#sleep();
      }
    }
  }

  /** Until there is something new, or about a second has passed. */
  #sleep(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ADVANCE_MS);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Up to the durable end, or until it is time to advance. */
  async #show(): Promise<void> {
    const slices = new Slices();
    if ((this.#waiting[0]?.position ?? Infinity) > this.#next) await this.#showFromJournal(slices);
    else await this.#showWaiting(slices);
  }

  async #showWaiting(slices: Slices): Promise<void> {
    let shown = 0;
    for (const { position, bytes } of this.#waiting) {
      if (position > this.#durable || this.#isTimeToAdvance()) break;
      shown++;
      if (position < this.#next) continue;
      await this.#take(position, bytes);
      if (slices.isOver) await slices.rest();
    }
    // More may have been added or dropped meanwhile; what was shown is at the front or gone.
    while ((this.#waiting[0]?.position ?? Infinity) < this.#next && shown-- > 0) {
      this.#waitingBytes -= this.#waiting.shift()?.bytes.length ?? 0;
    }
  }

  async #showFromJournal(slices: Slices): Promise<void> {
    for await (const { position, bytes } of this.#parts.journal.read(this.#next)) {
      if (position > this.#durable) break;
      await this.#take(position, bytes);
      if (slices.isOver) await slices.rest();
      if (this.#isTimeToAdvance()) await this.#advance();
      if ((this.#waiting[0]?.position ?? Infinity) <= this.#next) return;
    }
    // Numbers can be missing behind the last record: they were never written.
    this.#next = Math.max(this.#next, this.#durable + 1);
  }

  async #take(position: number, bytes: Uint8Array): Promise<void> {
    this.#next = position + 1;
    const record = parsed(bytes);
    if (record?.kind === 'session') this.#chains.saw(record, this.#parts.nowMs());
    else if (record?.kind === 'gap') this.#gap(record, position);
    else if (record?.kind === 'frame') await this.#frame(record, position);
  }

  #gap(gap: GapRecord, position: number): void {
    this.#each(position, (consumer) => {
      consumer.gap(gap, position);
    });
  }

  async #frame(frame: FrameRecord, position: number): Promise<void> {
    if (this.#consumers.every(({ watermark }) => position <= watermark)) {
      this.#chains.keep(frame);
      return;
    }
    const chain = this.#chains.get(frame) ?? (await this.#chains.open(frame));
    if (!chain) return;
    chain.usedMs = this.#parts.nowMs();
    if (!chain.frames.take(frame) || frame.repeated) return;
    const { session, frames } = chain;
    this.#each(position, (consumer) => {
      consumer.sample(session, frames.decoder, frame.timeMs, frames.spanSeconds, position);
    });
  }

  /** One that throws is left out from then on: the journal goes on without it. */
  #each(position: number, show: (consumer: SampleConsumer) => void): void {
    for (const consumer of this.#consumers) {
      if (position <= consumer.watermark) continue;
      try {
        show(consumer);
      } catch (error) {
        this.#consumers = this.#consumers.filter((other) => other !== consumer);
        this.#parts.warn('a reader of the journal failed and is left out until the next start', error);
      }
    }
  }

  #isTimeToAdvance(): boolean {
    return performance.now() - this.#advancedMs >= ADVANCE_MS;
  }

  async #advance(): Promise<void> {
    if (!this.#isTimeToAdvance() && !this.#closed) return;
    const nowMs = this.#parts.nowMs();
    for (const consumer of this.#consumers) {
      try {
        // Reading begins before a watermark, for what is decoded from there on.
        await consumer.advance(Math.max(this.#next - 1, consumer.watermark), nowMs);
      } catch (error) {
        this.#parts.warn('a reader of the journal cannot write; it is tried again', error);
      }
    }
    this.#advancedMs = performance.now();
    if (nowMs - this.#sweptMs > SWEEP_MS) this.#sweep(nowMs);
  }

  #sweep(nowMs: number): void {
    this.#sweptMs = nowMs;
    if (nowMs > this.#resumedMs && this.#next > this.#startEnd) this.#chains.forgetKept();
    this.#chains.sweep(nowMs);
  }

  #dropWaiting(): void {
    this.#waiting = [];
    this.#waitingBytes = 0;
  }
}

function parsed(bytes: Uint8Array): ReturnType<typeof parseRecord> {
  try {
    return parseRecord(bytes);
  } catch (error) {
    if (error instanceof RecordError) return undefined;
    throw error;
  }
}
