// Sends the requests of a queue to their receiver, one after the other, until each is accepted or refused for good.
import { setTimeout as sleep } from 'node:timers/promises';
import { compress, uncompress } from 'snappyjs';
import { build } from '../build.ts';
import type { Log } from '../log.ts';
import { splitRequest } from './protobuf.ts';
import type { RequestQueue } from './queue.ts';

const TIMEOUT_MS = 30_000;
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;
/** Requests that may be spent on finding the samples that a receiver refuses. */
const MOST_SPLITS = 200;
const SAID_BYTES = 300;

export interface SenderOptions {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly queue: RequestQueue;
  readonly log: Log;
  readonly random?: () => number;
  readonly fetch?: typeof fetch;
  /** Length of the first pause; tests shorten it. */
  readonly pauseMs?: number;
}

type Outcome =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'later'; readonly afterMs: number | undefined; readonly reason: string }
  | { readonly kind: 'refused'; readonly reason: string };

export class Sender {
  readonly #options: SenderOptions;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;
  #wake: () => void = () => undefined;
  #pauses = 0;
  #complained = false;
  sent = 0;
  rejected = 0;

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  #isOver(): boolean {
    return this.#stop.signal.aborted;
  }

  start(): void {
    this.#running ??= this.#run().catch((error: unknown) => {
      if (!this.#isOver()) this.#options.log.warn('remote write has stopped', { reason: String(error) });
    });
  }

  /** There may be something new in the queue. */
  wake(): void {
    this.#wake();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#wake();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { queue } = this.#options;
    while (!this.#isOver()) {
      const request = await queue.next();
      if (!request) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        continue;
      }
      await this.#deliver(request.body, request.samples);
      if (this.#isOver()) return;
      await queue.accept(request.position);
    }
  }

  /** Resolves when it is accepted or refused for good, or when we stop. */
  async #deliver(body: Uint8Array, samples: number): Promise<void> {
    for (;;) {
      const outcome = await this.#post(body);
      if (this.#isOver()) return;
      if (outcome.kind === 'accepted') {
        this.sent += samples;
        this.#recovered();
        return;
      }
      if (outcome.kind === 'refused') {
        await this.#isolate(Buffer.from(uncompress(body)), outcome.reason);
        return;
      }
      await this.#pause(outcome.afterMs, outcome.reason);
      if (this.#isOver()) return;
    }
  }

  /** Halves what is refused until single samples are left: those are dropped, the rest is delivered. */
  async #isolate(request: Buffer, reason: string): Promise<void> {
    let left = MOST_SPLITS;
    const waiting: (readonly Buffer[])[] = [splitRequest(request)];
    for (let parts = waiting.pop(); parts && !this.#isOver(); parts = waiting.pop()) {
      if (parts.length === 1 || left <= 0) {
        this.rejected += parts.length;
        this.#options.log.warn('the receiver of remote write refuses samples', { samples: parts.length, reason });
        continue;
      }
      const middle = Math.ceil(parts.length / 2);
      for (const half of [parts.slice(middle), parts.slice(0, middle)]) {
        left--;
        if (!(await this.#deliverHalf(half))) waiting.push(half);
      }
    }
  }

  /** False if it is refused. */
  async #deliverHalf(parts: readonly Buffer[]): Promise<boolean> {
    const body = compress(Buffer.concat(parts));
    for (;;) {
      const outcome = await this.#post(body);
      if (outcome.kind === 'accepted') this.sent += parts.length;
      if (outcome.kind !== 'later' || this.#isOver()) return outcome.kind !== 'refused';
      await this.#pause(outcome.afterMs, outcome.reason);
    }
  }

  async #post(body: Uint8Array): Promise<Outcome> {
    const { url, headers, fetch: ask = fetch } = this.#options;
    try {
      const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(TIMEOUT_MS)]);
      const response = await ask(url, {
        method: 'POST',
        body: Buffer.from(body),
        redirect: 'error',
        signal,
        headers: {
          ...headers,
          'Content-Type': 'application/x-protobuf',
          'Content-Encoding': 'snappy',
          'X-Prometheus-Remote-Write-Version': '0.1.0',
          'User-Agent': `whyidle/${build.version}`,
        },
      });
      const said = (await response.text()).slice(0, SAID_BYTES).trim();
      if (response.ok) return { kind: 'accepted' };
      const reason = `${response.status} ${said}`;
      const isLater = response.status === 429 || response.status >= 500;
      return isLater
        ? { kind: 'later', afterMs: retryAfterMs(response.headers.get('retry-after')), reason }
        : { kind: 'refused', reason };
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
      return { kind: 'later', afterMs: undefined, reason: cause };
    }
  }

  async #pause(afterMs: number | undefined, reason: string): Promise<void> {
    const { log, url, random = Math.random, pauseMs = FIRST_PAUSE_MS } = this.#options;
    if (!this.#complained) log.warn('remote write waits for its receiver', { receiver: new URL(url).host, reason });
    this.#complained = true;
    const width = Math.min(LONGEST_PAUSE_MS, pauseMs * 2 ** Math.min(this.#pauses++, 10));
    const ms = afterMs ?? width * (0.5 + random() / 2);
    await sleep(ms, undefined, { signal: this.#stop.signal }).catch(() => undefined);
  }

  #recovered(): void {
    this.#pauses = 0;
    if (this.#complained) this.#options.log.info('the receiver of remote write takes samples again');
    this.#complained = false;
  }
}

/** Seconds or an HTTP date (RFC 9110 section 10.2.3). */
export function retryAfterMs(text: string | null, nowMs = Date.now()): number | undefined {
  if (text === null) return undefined;
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs;
  return Number.isNaN(ms) ? undefined : Math.max(0, Math.min(ms, 3_600_000));
}
