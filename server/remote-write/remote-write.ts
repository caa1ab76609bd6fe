// All receivers of remote write as one reader of the journal.
import type { FrameDecoder } from '#agent/contract';
import type { Log } from '../log.ts';
import type { DecodedSession, RemoteWriteConsumer } from '../store/consumer.ts';
import type { StoreFigures } from '../store/entries.ts';
import type { RemoteWriteTarget } from './config.ts';
import { Target } from './target.ts';

export class RemoteWrite implements RemoteWriteConsumer {
  readonly #targets: readonly Target[];

  private constructor(targets: readonly Target[]) {
    this.#targets = targets;
  }

  /** `folder`: where the queues are, one folder each. */
  static async open(
    targets: readonly RemoteWriteTarget[],
    context: { readonly folder: string; readonly nowMs: () => number; readonly log: Log },
  ): Promise<RemoteWrite> {
    return new RemoteWrite(await Promise.all(targets.map((target) => Target.open(target, context))));
  }

  /** Each is shown only what it has not seen. */
  get watermark(): number {
    return Math.min(...this.#targets.map(({ watermark }) => watermark));
  }

  get figures(): StoreFigures['remoteWrite'] {
    const sum = (pick: (figures: StoreFigures['remoteWrite']) => number): number =>
      this.#targets.reduce((total, { figures }) => total + pick(figures), 0);
    return {
      pendingBytes: sum(({ pendingBytes }) => pendingBytes),
      sent: sum(({ sent }) => sent),
      dropped: sum(({ dropped }) => dropped),
      rejected: sum(({ rejected }) => rejected),
    };
  }

  session(): void {
    // Nothing is needed before its first reading.
  }

  sessionEnd(session: DecodedSession): void {
    for (const target of this.#targets) target.sessionEnd(session);
  }

  sample(session: DecodedSession, decoder: FrameDecoder, timeMs: number, spanSeconds: number, position: number): void {
    for (const target of this.#targets) {
      if (position > target.watermark) target.sample(session, decoder, timeMs, spanSeconds, position);
    }
  }

  gap(): void {
    // An engine has no word for it: the series is silent.
  }

  async advance(position: number): Promise<void> {
    const results = await Promise.allSettled(this.#targets.map((target) => target.advance(position)));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
  }

  async close(): Promise<void> {
    await Promise.all(this.#targets.map((target) => target.close()));
  }
}
