// Series lists as they are used for decoding; those of the last sessions are kept.
import type { AgentMetricId, SchemaMessage } from '#agent/contract';
import { buildSchema, type PublishedSeries } from '../fleet/schema.ts';
import type { SchemaFiles } from './schema-files.ts';

/** A tenth of a megabyte each. */
const KEPT = 500;

export interface ReadSchema {
  readonly size: number;
  readonly published: readonly PublishedSeries[];
  readonly byMetric: ReadonlyMap<AgentMetricId, readonly PublishedSeries[]>;
}

export class SchemaCache {
  readonly #files: SchemaFiles;
  readonly #kept = new Map<string, Promise<ReadSchema | undefined>>();
  /** Nodes are much alike: the same words once. */
  readonly #words = new Map<string, string>();

  constructor(files: SchemaFiles) {
    this.#files = files;
  }

  /** Undefined if it is lost. */
  get(name: string): Promise<ReadSchema | undefined> {
    const found = this.#kept.get(name) ?? this.#load(name);
    // The one that was used last goes last.
    this.#kept.delete(name);
    this.#kept.set(name, found);
    const [oldest] = this.#kept.keys();
    if (oldest !== undefined && this.#kept.size > KEPT) this.#kept.delete(oldest);
    return found;
  }

  async #load(name: string): Promise<ReadSchema | undefined> {
    const series = await this.#files.read(name);
    if (!series) {
      this.#kept.delete(name);
      return undefined;
    }
    const { size, published, byMetric } = buildSchema(this.#interned(series));
    return { size, published, byMetric };
  }

  #interned(series: SchemaMessage['series']): SchemaMessage['series'] {
    if (this.#words.size > 100_000) this.#words.clear();
    return series.map(([id, labels]) => [this.#word(id), labels.map((label) => this.#word(label))]);
  }

  #word(text: string): string {
    const known = this.#words.get(text);
    if (known !== undefined) return known;
    this.#words.set(text, text);
    return text;
  }
}
