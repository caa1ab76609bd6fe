// Agents that cannot be right: two of one name, or one whose clock is off.
import type { Alert } from '#server/contract';
import type { Fleet } from '../fleet/fleet.ts';
import type { Conflict, Leases } from '../ingest/leases.ts';

/** Across nodes nothing can be compared by the second any more. */
const SKEW_MS = 2000;
const SKEW_FOR_MS = 10 * 60_000;

export class AgentAlerts {
  readonly #fleet: Fleet;
  readonly #leases: Pick<Leases, 'conflicts'>;
  readonly #skewedSince = new Map<string, number>();

  constructor(fleet: Fleet, leases: Pick<Leases, 'conflicts'>) {
    this.#fleet = fleet;
    this.#leases = leases;
  }

  alerts(nowMs: number): readonly Alert[] {
    return [...this.#leases.conflicts(nowMs).map(alertOfConflict), ...this.#skews(nowMs)];
  }

  #skews(nowMs: number): readonly Alert[] {
    return this.#fleet.nodes.flatMap((node): readonly Alert[] => {
      const offset = node.isUp(nowMs) ? (node.clockOffsetMs ?? 0) : 0;
      if (Math.abs(offset) <= SKEW_MS) {
        this.#skewedSince.delete(node.name);
        return [];
      }
      const since = this.#skewedSince.get(node.name) ?? nowMs;
      this.#skewedSince.set(node.name, since);
      const way = offset < 0 ? 'behind' : 'ahead of';
      return [
        {
          ...{ id: `clock_skew:${node.name}`, kind: 'clock_skew', severity: 'warning', gpu: null, uuid: null },
          state: nowMs - since >= SKEW_FOR_MS ? 'firing' : 'pending',
          node: node.name,
          since_ms: since,
          text: `the clock of ${node.name} is ${(Math.abs(offset) / 1000).toFixed(1)} s ${way} the server's`,
        },
      ];
    });
  }
}

function alertOfConflict({ node, sinceMs, text }: Conflict): Alert {
  return {
    ...{ id: `name_conflict:${node}`, kind: 'name_conflict', severity: 'warning', state: 'firing' },
    ...{ node, gpu: null, uuid: null, since_ms: sinceMs, text },
  };
}
