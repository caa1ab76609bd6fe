// The charts of a node over a range that is longer than the page has been open, asked of the server's history.
import type { ApiError, NodeChartsAnswer } from '#server/contract';
import { rangeOf, type PastRange } from './past-range.ts';

const FASTEST_REFRESH_MS = 5000;
const SLOWEST_REFRESH_MS = 60_000;

export class PastCharts {
  range: PastRange | undefined = $state.raw();
  /** Why there is none. */
  problem: string | undefined = $state();
  #asked = '';
  #timer: number | undefined;

  /** Follows the last `widthMs` of a node until something else is asked for. */
  follow(node: string, widthMs: number): void {
    const asked = `${node} ${widthMs}`;
    if (asked === this.#asked) return;
    this.stop();
    this.#asked = asked;
    void this.#refresh(asked, `/api/v1/nodes/${encodeURIComponent(node)}/charts?from=-${widthMs / 1000}s`);
  }

  stop(): void {
    this.#asked = '';
    clearTimeout(this.#timer);
    this.range = undefined;
    this.problem = undefined;
  }

  async #refresh(asked: string, url: string): Promise<void> {
    const answer = await ask(url);
    if (asked !== this.#asked) return;
    if (typeof answer === 'string') this.problem = answer;
    else {
      this.problem = undefined;
      this.range = rangeOf(answer);
    }
    const stepMs = this.range?.stepMs ?? FASTEST_REFRESH_MS;
    this.#timer = window.setTimeout(
      () => void this.#refresh(asked, url),
      Math.min(SLOWEST_REFRESH_MS, Math.max(FASTEST_REFRESH_MS, stepMs)),
    );
  }
}

async function ask(url: string): Promise<NodeChartsAnswer | string> {
  try {
    const response = await fetch(url);
    const answer = (await response.json()) as NodeChartsAnswer | ApiError; // of our own server
    return 'error' in answer ? answer.error.message : answer;
  } catch {
    return 'the server does not answer';
  }
}
