// The fabrics as /api/v1/fabric tells them, asked for again and again while somebody looks.
import { createSubscriber } from 'svelte/reactivity';
import type { FabricAnswer } from '#server/contract';

const ASK_EVERY_MS = 5000;
/** An answer that takes longer is given up. */
const ANSWER_WITHIN_MS = 15_000;

class FabricState {
  #answer: FabricAnswer | undefined;
  #receivedMs = 0;
  #problem: string | undefined;
  #asking = false;

  readonly #subscribe = createSubscriber((update) => {
    const ask = (): void => {
      if (!document.hidden) void this.#ask().then(update);
    };
    ask();
    const timer = setInterval(ask, ASK_EVERY_MS);
    document.addEventListener('visibilitychange', ask);
    return () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', ask);
    };
  });

  /** The last one that came. */
  get answer(): FabricAnswer | undefined {
    this.#subscribe();
    return this.#answer;
  }

  /** When it came, by this browser's clock. */
  get receivedMs(): number {
    this.#subscribe();
    return this.#receivedMs;
  }

  /** Why the newest question has no answer. */
  get problem(): string | undefined {
    this.#subscribe();
    return this.#problem;
  }

  async #ask(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    try {
      const response = await fetch('/api/v1/fabric', { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
      if (!response.ok) throw new Error(`it answers ${response.status}`);
      this.#answer = readAnswer(await response.json());
      this.#receivedMs = Date.now();
      this.#problem = undefined;
    } catch (error) {
      this.#problem = error instanceof Error ? error.message : String(error);
    } finally {
      this.#asking = false;
    }
  }
}

/** The page and the server are of one build: what the server types is what comes. */
function readAnswer(json: unknown): FabricAnswer {
  return json as FabricAnswer;
}

export const fabric = new FabricState();
