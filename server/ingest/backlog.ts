// What an agent delivers late over one connection: frames of an earlier connection or an earlier process, gaps, in order.
// Every message counts, also one that could not be used: then its frame is recorded as lost, so that it cannot come for ever.
import { FrameDecoder, FrameError, limits, peekFrame, type BacklogSchema, type GapMessage } from '#agent/contract';
import { TokenBucket } from '../access/token-bucket.ts';
import type { Clock } from '../clock.ts';
import type { RejectReason } from './counters.ts';
import type { Instance, Intake, Receipt } from './intake.ts';

export interface BacklogContext {
  readonly intake: Intake;
  readonly clock: Clock;
  readonly node: string;
  readonly receipt: Receipt;
}

/** Clocks that agree to a second are taken as one. */
const FUTURE_MS = 1000;

interface Open {
  readonly session: number;
  readonly generation: number;
  readonly instance: Instance;
  readonly decoder: FrameDecoder;
}

export class Backlog {
  readonly #context: BacklogContext;
  readonly #rate: TokenBucket;
  #open: Open | undefined;
  #count = 0;

  constructor(context: BacklogContext) {
    this.#context = context;
    this.#rate = new TokenBucket(2 * limits.backlogPerSecond, context.clock.nowMs());
  }

  begin({ instance: name, intervalMs, generation, series }: BacklogSchema): void {
    const { intake, node } = this.#context;
    const session = intake.nextSession();
    const instance = intake.instance(node, name);
    this.#open = { session, generation, instance, decoder: new FrameDecoder(series.length) };
    intake.session({
      kind: 'session',
      session,
      node,
      instance: name,
      generation,
      intervalMs,
      hello: undefined,
      series,
    });
  }

  /** The reason if it could not be used. */
  frame(bytes: Uint8Array): RejectReason | undefined {
    const { intake, clock, receipt } = this.#context;
    const nowMs = clock.nowMs();
    // Not counted: it is not acknowledged and comes again.
    if (!this.#rate.take(nowMs)) return 'rate';
    this.#count++;
    const open = this.#open;
    const head = headOf(bytes);
    if (!open || head?.generation !== open.generation) return this.#lose(open, head, 'generation');
    try {
      open.decoder.apply(bytes);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      return this.#lose(open, head, 'malformed');
    }
    const { seq, key } = head;
    const repeated = open.instance.seqs.has(seq);
    const timeMs = place(open.instance, head.timeMs, nowMs);
    const { session, instance } = open;
    const entry = {
      kind: 'frame' as const,
      session,
      seq,
      key,
      backlog: true,
      repeated,
      timeMs,
      receivedMs: nowMs,
      bytes,
    };
    intake.frame(entry, instance, receipt, this.#count);
    return undefined;
  }

  gap({ instance: name, fromSeq, toSeq, fromMs, toMs, reason }: GapMessage): void {
    const { intake, node, receipt, clock } = this.#context;
    const instance = intake.instance(node, name);
    const nowMs = clock.nowMs();
    const [from, to] = [place(instance, fromMs, nowMs), place(instance, toMs, nowMs)];
    if (fromSeq < 0 && instance.pauses.has(fromMs)) {
      intake.after(receipt, 'backlog', ++this.#count);
      return;
    }
    if (fromSeq < 0) instance.pauses.add(fromMs);
    intake.gap({ fromSeq, toSeq, fromMs: from, toMs: to, reason }, instance, receipt, ++this.#count);
  }

  end(): void {
    this.#context.intake.after(this.#context.receipt, 'backlog', ++this.#count);
  }

  #lose(open: Open | undefined, head: ReturnType<typeof headOf>, reason: RejectReason): RejectReason {
    const { intake, receipt, clock } = this.#context;
    if (open && head) {
      const timeMs = place(open.instance, head.timeMs, clock.nowMs());
      const gap = { fromSeq: head.seq, toSeq: head.seq, fromMs: timeMs, toMs: timeMs, reason: 'refused' as const };
      intake.gap(gap, open.instance, receipt, this.#count);
    } else intake.after(receipt, 'backlog', this.#count);
    return reason;
  }
}

function headOf(bytes: Uint8Array): ReturnType<typeof peekFrame> | undefined {
  try {
    return peekFrame(bytes);
  } catch {
    return undefined; // not even a head: nobody can say which frame it was
  }
}

/** On the server's clock. Of a process that was never heard live its own clock is believed, but never a future. */
function place({ offset }: Instance, axisMs: number, nowMs: number): number {
  return Math.min(nowMs + FUTURE_MS, Math.round(axisMs + offset.ms));
}
