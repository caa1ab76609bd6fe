// Numbers of series: one per node, metric and labels, for ever. Those of one node follow each other, so that they lie together
// in the files.
import type { DecodedSession } from '../store/consumer.ts';
import type { Database } from './database.ts';
import type { KeptSeries } from './accumulator.ts';
import type { NewSeries } from './rows.ts';

export interface NamedSeries {
  readonly id: number;
  readonly node: string;
  readonly metric: string;
  readonly labels: Readonly<Record<string, string>>;
}

export class Dictionary {
  readonly #database: Database;
  /** Per node and schema: they are many and long, and nearly always the same. */
  readonly #ids = new Map<string, Uint32Array>();
  #next: number;

  private constructor(database: Database, next: number) {
    this.#database = database;
    this.#next = next;
  }

  static async open(database: Database): Promise<Dictionary> {
    const [last] = await database.all<{ id: number | null }>('SELECT max(id) AS id FROM series');
    return new Dictionary(database, (last?.id ?? 0) + 1);
  }

  /** The numbers of a session's series, and which of them are new. */
  async idsOf(
    session: DecodedSession,
    { positions }: KeptSeries,
  ): Promise<{ ids: Uint32Array; added: readonly NewSeries[] }> {
    const key = `${session.node} ${session.schema}`;
    const cached = this.#ids.get(key);
    if (cached) return { ids: cached, added: [] };
    const known = await this.#knownOf(session.node);
    const added: NewSeries[] = [];
    const ids = Uint32Array.from(positions, (at) => {
      const series = session.published[at];
      if (!series) return 0;
      const labels = JSON.stringify(series.labels);
      const found = known.get(`${series.id} ${labels}`);
      if (found !== undefined) return found;
      const id = this.#next++;
      added.push({ id, node: session.node, metric: series.id, labels });
      return id;
    });
    this.#ids.set(key, ids);
    return { ids, added };
  }

  /** What was handed out as new did not get to the disk. */
  forget(): void {
    this.#ids.clear();
  }

  async #knownOf(node: string): Promise<ReadonlyMap<string, number>> {
    const rows = await this.#database.all<{ id: number; metric: string; labels: string }>(
      'SELECT id, metric, labels FROM series WHERE node = $1',
      [node],
    );
    return new Map(rows.map(({ id, metric, labels }) => [`${metric} ${labels}`, id]));
  }
}
