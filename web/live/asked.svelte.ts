// An answer of the API, asked for again and again while somebody looks.
import { createSubscriber } from 'svelte/reactivity';

/** An answer that takes longer is given up. */
const ANSWER_WITHIN_MS = 15_000;

export class Asked<Answer extends object> {
  readonly #path: string;
  #answer: Answer | undefined;
  #receivedMs = 0;
  #problem: string | undefined;
  #asking = false;
  readonly #subscribe: () => void;

  constructor(path: string, everyMs: number) {
    this.#path = path;
    this.#subscribe = createSubscriber((update) => {
      const ask = (): void => {
        if (!document.hidden) void this.#ask().then(update);
      };
      ask();
      const timer = setInterval(ask, everyMs);
      document.addEventListener('visibilitychange', ask);
      return () => {
        clearInterval(timer);
        document.removeEventListener('visibilitychange', ask);
      };
    });
  }

  /** The last one that came. */
  get answer(): Answer | undefined {
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
      const response = await fetch(this.#path, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
      if (response.status === 404) throw new Error('the server does not know it');
      if (!response.ok) throw new Error(`it answers ${response.status}`);
      this.#answer = (await response.json()) as Answer; // page and server are of one build
      this.#receivedMs = Date.now();
      this.#problem = undefined;
    } catch (error) {
      this.#problem = error instanceof Error ? error.message : String(error);
    } finally {
      this.#asking = false;
    }
  }
}
