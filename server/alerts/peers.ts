// Devices of nodes whose link is slower than that of the same model elsewhere: InfiniBand ports, and the PCIe links of adapters and
// NVMe drives. What all of a model have is how they were built. Ports that a sweep of the fabric sees are judged there.
import type { Alert } from '#server/contract';
import { isStale, type FabricWatch } from '../fabric/watch.ts';
import type { Fleet } from '../fleet/fleet.ts';
import { linksOf, type DeviceLink } from './device-links.ts';

/** Slower than this share of what its model usually has. */
export const DEGRADED_BELOW = 0.8;
/** So many devices of a model on other links, and this share of them alike, say what is usual. */
export const PEERS = 4;
export const PEERS_SHARE = 2 / 3;
export const FIRES_AFTER_MS = 60_000;
/** Links change seldom. */
const JUDGED_EVERY_MS = 10_000;
export interface Degraded extends DeviceLink {
  readonly why: string;
}

/** Links that are slower than most of their model; where too few can say that, slower than they could be themselves. */
export function judgeLinks(links: readonly DeviceLink[]): readonly Degraded[] {
  return [...Map.groupBy(links, ({ what, model }) => `${what} ${model}`).values()].flatMap((group) => {
    const bySpeed = [...Map.groupBy(group, ({ speed }) => speed).values()];
    const most = bySpeed.toSorted((a, b) => b.length - a.length)[0] ?? [];
    const [usual] = most;
    if (!usual || group.length < PEERS || most.length < group.length * PEERS_SHARE) return group.flatMap(belowItsBest);
    const why = `${most.length} of ${group.length} of its model at ${usual.speed}`;
    return group.filter(({ rate }) => rate < DEGRADED_BELOW * usual.rate).map((link) => ({ ...link, why }));
  });
}

function belowItsBest(link: DeviceLink): readonly Degraded[] {
  const { rate, best } = link;
  return best && rate < DEGRADED_BELOW * best.rate ? [{ ...link, why: `it could do ${best.speed}` }] : [];
}

/** Renewed every ten seconds, over the nodes that are up. */
export class PeerAlerts {
  readonly #fleet: Fleet;
  readonly #fabrics: FabricWatch | undefined;
  #judgedMs = -Infinity;
  #since: ReadonlyMap<string, number> = new Map();
  #degraded: readonly Degraded[] = [];

  constructor(fleet: Fleet, fabrics?: FabricWatch) {
    this.#fleet = fleet;
    this.#fabrics = fabrics;
  }

  alerts(nowMs: number): readonly Alert[] {
    if (nowMs - this.#judgedMs >= JUDGED_EVERY_MS) this.#judge(nowMs);
    return this.#degraded.map((link) => alertOf(link, this.#since.get(idOf(link)) ?? nowMs, nowMs));
  }

  #judge(nowMs: number): void {
    this.#judgedMs = nowMs;
    const seen = this.#seenByFabrics(nowMs);
    const up = this.#fleet.nodes.filter((node) => node.isUp(nowMs));
    this.#degraded = judgeLinks(up.flatMap((node) => linksOf(node, seen)));
    this.#since = new Map(this.#degraded.map((link) => [idOf(link), this.#since.get(idOf(link)) ?? nowMs]));
  }

  /** `node device port` of ports that a fabric's findings speak of. */
  #seenByFabrics(nowMs: number): ReadonlySet<string> {
    const fabrics = (this.#fabrics?.fabrics ?? []).filter((fabric) => !isStale(fabric, nowMs));
    return new Set(
      fabrics.flatMap(({ model }) =>
        [...model.ports.values()].flatMap(({ agent }) =>
          agent ? [`${agent.node} ${agent.device} ${agent.port}`] : [],
        ),
      ),
    );
  }
}

const idOf = ({ node, device, what }: DeviceLink): string => `link_degraded:${node}:${device}:${what}`;

function alertOf(link: Degraded, sinceMs: number, nowMs: number): Alert {
  return {
    id: idOf(link),
    kind: 'link_degraded',
    severity: 'warning',
    state: nowMs - sinceMs >= FIRES_AFTER_MS ? 'firing' : 'pending',
    node: link.node,
    gpu: null,
    uuid: null,
    since_ms: sinceMs,
    text: `${link.node} ${link.device}: its ${link.what} runs at ${link.speed}, ${link.why}`,
  };
}
