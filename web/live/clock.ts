// This browser's clock and whether the page can be seen, as things that components may depend on.
import { createSubscriber } from 'svelte/reactivity';

/** How often ages on the page move on. */
const STEP_MS = 250;

class Clock {
  readonly #subscribe = createSubscriber((update) => {
    const timer = setInterval(update, STEP_MS);
    return () => {
      clearInterval(timer);
    };
  });

  get nowMs(): number {
    this.#subscribe();
    return Date.now();
  }
}

class Visibility {
  readonly #subscribe = createSubscriber((update) => {
    document.addEventListener('visibilitychange', update);
    return () => {
      document.removeEventListener('visibilitychange', update);
    };
  });

  /** False in a hidden tab: nothing is drawn there. */
  get visible(): boolean {
    this.#subscribe();
    return !document.hidden;
  }
}

export const clock = new Clock();
export const visibility = new Visibility();
