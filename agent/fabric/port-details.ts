// Why packets were dropped, of the few ports where more are dropped than before: `perfquery -D` and `-E`, port by port.
// Not `ibqueryerrors --details`, which prints both groups under each other's names.
import { perfQueryParser } from '../parse/fabric/perfquery.ts';
import type { PortCounts } from './port-counts.ts';
import type { ToolRunner } from './tool-runner.ts';
import type { PortPlace, Topology } from './topology.ts';

export const MOST_PORTS = 32;
/** For how many rounds after its last growth a port is asked: growth shows between two answers. */
const ROUNDS = 6;
const TIMEOUT_MS = 5000;

const groups = [
  { flag: '-D', counter: 'PortXmitDiscards' },
  { flag: '-E', counter: 'PortRcvErrors' },
] as const;

type Flag = (typeof groups)[number]['flag'];

interface Watched {
  readonly place: PortPlace;
  readonly flags: Set<Flag>;
  roundsLeft: number;
}

export class PortDetails {
  readonly #perfquery: string;
  readonly #tools: ToolRunner;
  #before: ReadonlyMap<string, PortCounts> = new Map();
  /** By placeKey; who was asked last stands last. */
  readonly #watched = new Map<string, Watched>();

  constructor(perfquery: string, tools: ToolRunner) {
    this.#perfquery = perfquery;
    this.#tools = tools;
  }

  /** Details of at most 32 ports, by placeKey. */
  async read(
    topology: Topology,
    counts: ReadonlyMap<string, PortCounts>,
  ): Promise<ReadonlyMap<string, Readonly<Record<string, string>>>> {
    this.#watch(counts);
    const details = new Map<string, Readonly<Record<string, string>>>();
    for (const [key, watched] of [...this.#watched].slice(0, MOST_PORTS)) {
      details.set(key, await this.#ask(topology.lidOf(watched.place), watched));
      this.#watched.delete(key);
      if (--watched.roundsLeft > 0) this.#watched.set(key, watched);
    }
    return details;
  }

  #watch(counts: ReadonlyMap<string, PortCounts>): void {
    for (const [key, { counters }] of counts) {
      for (const { flag, counter } of groups) {
        if (!grew(this.#before.get(key)?.counters[counter], counters[counter])) continue;
        const watched = this.#watched.get(key) ?? { place: placeOf(key), flags: new Set(), roundsLeft: 0 };
        watched.flags.add(flag);
        watched.roundsLeft = ROUNDS;
        this.#watched.set(key, watched);
      }
    }
    // Without an answer this time the next growth is against the last one there was.
    if (counts.size > 0) this.#before = counts;
  }

  async #ask(lid: number | null, { place, flags }: Watched): Promise<Readonly<Record<string, string>>> {
    if (lid === null) return {};
    const found: Record<string, string> = {};
    for (const flag of flags) {
      const result = await this.#tools.run({
        ...{ file: this.#perfquery, args: [flag, String(lid), String(place.port)], timeoutMs: TIMEOUT_MS },
        parser: perfQueryParser(),
        isWhole: (sections) => sections.length > 0,
      });
      if (result.kind === 'read') Object.assign(found, result.value[0]?.counters);
    }
    return found;
  }
}

function grew(before: string | undefined, now: string | undefined): boolean {
  return before !== undefined && now !== undefined && BigInt(now) > BigInt(before);
}

function placeOf(key: string): PortPlace {
  const [guid = '', port] = key.split('/');
  return { guid, port: Number(port) };
}
