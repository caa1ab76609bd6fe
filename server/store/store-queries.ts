// Answers queries inside the worker: readings from the journal, minutes and hours from the history.
import type { HistoryConsumer } from './consumer.ts';
import type { QueryRequest, QueryResult } from './entries.ts';
import type { FromWorker } from './messages.ts';
import { queryRaw, type RawParts } from './raw-query.ts';
import { Turns } from './turns.ts';

/** Each may hold some hundred megabytes. */
const AT_ONCE = 2;

export class StoreQueries {
  readonly #raw: RawParts;
  readonly #history: HistoryConsumer | undefined;
  readonly #turns = new Turns(AT_ONCE);

  constructor(raw: RawParts, history: HistoryConsumer | undefined) {
    this.#raw = raw;
    this.#history = history;
  }

  /** From where on readings as received are kept. */
  get sinceMs(): number | undefined {
    for (const { summary } of this.#raw.index.views) if (summary.readableFromMs !== null) return summary.readableFromMs;
    return undefined;
  }

  async answer(id: number, request: QueryRequest): Promise<FromWorker> {
    try {
      return { kind: 'answer', id, result: await this.#turns.take(() => this.#query(request)) };
    } catch (error) {
      if (!(error instanceof Error))
        return { kind: 'refused', id, error: { name: 'Error', message: String(error), hint: undefined } };
      const hint = 'hint' in error && typeof error.hint === 'string' ? error.hint : undefined;
      return { kind: 'refused', id, error: { name: error.name, message: error.message, hint } };
    }
  }

  async #query(request: QueryRequest): Promise<QueryResult> {
    if (request.resolution === 'raw') return { ...(await queryRaw(this.#raw, request)), sinceMs: this.sinceMs };
    if (this.#history) return this.#history.query(request);
    return { series: [], gaps: [], sinceMs: undefined, engine: 'history' };
  }
}
