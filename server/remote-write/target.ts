// One receiver: follows the journal, makes samples of its readings, keeps them in a queue, sends them.
//   raw     every reading at its own time
//   rollup  per series and minute one sample at the time of the last reading in it: the whole count of a counter, the mean of
//           a gauge. Two servers that share a minute write two samples at two times, and both are true.
import { metricName, PRESENT, type FrameDecoder } from '#agent/contract';
import { compress } from 'snappyjs';
import { join } from 'node:path';
import type { MinuteAccumulator } from '../history/accumulator.ts';
import { Generations } from '../history/generations.ts';
import type { Log } from '../log.ts';
import type { DecodedSession, RemoteWriteConsumer } from '../store/consumer.ts';
import type { StoreFigures } from '../store/entries.ts';
import type { RemoteWriteTarget } from './config.ts';
import { encodeLabels, RequestWriter } from './protobuf.ts';
import { RequestQueue, type Request } from './queue.ts';
import { Sender } from './sender.ts';

const MOST_SAMPLES = 10_000;
const MOST_BYTES = 4_000_000;

export class Target implements RemoteWriteConsumer {
  readonly #target: RemoteWriteTarget;
  readonly #queue: RequestQueue;
  readonly #sender: Sender;
  /** The labels of a session's series, encoded once. */
  readonly #labels = new Map<DecodedSession, readonly Buffer[]>();
  readonly #generations: Generations;
  readonly #writer = new RequestWriter();
  /** Finished requests that are not in the queue yet. */
  #requests: Omit<Request, 'watermark'>[] = [];
  #position: number;
  #dropped = 0;

  private constructor(
    target: RemoteWriteTarget,
    parts: { readonly queue: RequestQueue; readonly sender: Sender; readonly nowMs: () => number },
  ) {
    this.#target = target;
    this.#generations = new Generations(parts.nowMs);
    this.#queue = parts.queue;
    this.#sender = parts.sender;
    this.#position = parts.queue.watermark;
    parts.sender.start();
  }

  static async open(
    target: RemoteWriteTarget,
    { folder, nowMs, log }: { readonly folder: string; readonly nowMs: () => number; readonly log: Log },
  ): Promise<Target> {
    const held: { target?: Target } = {};
    const queue = await RequestQueue.open({
      ...{ folder: join(folder, target.name), capBytes: target.capBytes, nowMs, log },
      onDropped: (samples) => {
        if (held.target) held.target.#dropped += samples;
      },
    });
    const sender = new Sender({ url: target.url, headers: target.headers, queue, log });
    held.target = new Target(target, { queue, sender, nowMs });
    return held.target;
  }

  get watermark(): number {
    return this.#queue.watermark;
  }

  get figures(): StoreFigures['remoteWrite'] {
    return {
      pendingBytes: this.#queue.bytes,
      sent: this.#sender.sent,
      dropped: this.#dropped,
      rejected: this.#sender.rejected,
    };
  }

  session(): void {
    // Its labels are made with its first reading.
  }

  sessionEnd(session: DecodedSession): void {
    this.#generations.forget(session);
    this.#labels.delete(session);
  }

  sample(session: DecodedSession, decoder: FrameDecoder, timeMs: number, spanSeconds: number, position: number): void {
    if (this.#target.mode === 'raw') this.#writeAll(session, decoder, timeMs);
    else this.#generations.sample(session, decoder, { timeMs, spanSeconds, position });
    this.#position = position;
  }

  gap(): void {
    // An engine has no word for it: the series is silent.
  }

  async advance(position: number): Promise<void> {
    if (this.#target.mode === 'raw') {
      await this.#enter(Math.max(position, this.#position));
      return;
    }
    this.#generations.settle(position);
    for (const finished of this.#generations.finished) {
      for (const accumulator of finished.generation.accumulators()) this.#writeMinute(accumulator);
      await this.#enter(finished.watermark);
      this.#generations.written(finished);
    }
  }

  /** What is written so far goes to the disk as a whole, with the position that it reaches to. If it cannot, it is tried again. */
  async #enter(watermark: number): Promise<void> {
    this.#seal();
    if (this.#requests.length === 0) return;
    await this.#queue.enter(this.#requests.map((request) => ({ ...request, watermark })));
    this.#requests = [];
    this.#sender.wake();
  }

  async close(): Promise<void> {
    await this.#sender.stop();
    await this.#queue.close();
  }

  #writeAll(session: DecodedSession, decoder: FrameDecoder, timeMs: number): void {
    const labels = this.#labelsOf(session);
    const time = Math.round(timeMs);
    for (const [at, { index, row }] of session.published.entries()) {
      const label = labels[at];
      if (label && decoder.states[index] === PRESENT) this.#write(label, (decoder.steps[index] ?? 0) / row.scale, time);
    }
  }

  #writeMinute({ session, series, count, weight, sum, last, lastMs }: MinuteAccumulator): void {
    const labels = this.#labelsOf(session);
    const time = Math.round(lastMs);
    for (const [at, position] of series.positions.entries()) {
      const label = labels[position];
      const isCounter = series.isCounter[at] === 1;
      const value = isCounter ? (last[at] ?? NaN) : (sum[at] ?? 0) / (weight[at] ?? 0);
      // Nothing was read of it in this minute.
      if (!label || Number.isNaN(value) || (!isCounter && (count[at] ?? 0) === 0)) continue;
      this.#write(label, value, time);
    }
  }

  #write(labels: Buffer, value: number, timeMs: number): void {
    this.#writer.add(labels, value, timeMs);
    if (this.#writer.samples >= MOST_SAMPLES || this.#writer.length >= MOST_BYTES) this.#seal();
  }

  #seal(): void {
    const { samples } = this.#writer;
    if (samples > 0) this.#requests.push({ samples, body: compress(this.#writer.take()) });
  }

  #labelsOf(session: DecodedSession): readonly Buffer[] {
    let known = this.#labels.get(session);
    if (!known) {
      known = session.published.map(({ id, row, labels: values }) => {
        const own = Object.fromEntries(row.labels.map((name, at) => [name, values[at] ?? '']));
        // What the series says of itself holds over what is added to all.
        return encodeLabels({ ...this.#target.labels, ...own, node: session.node, __name__: metricName(id) });
      });
      this.#labels.set(session, known);
    }
    return known;
  }
}
