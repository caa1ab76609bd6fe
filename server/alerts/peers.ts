// Devices of nodes whose link is slower than that of the same model elsewhere: InfiniBand ports, and the PCIe links of adapters and
// NVMe drives. What all of a model have is how they were built. Ports that a sweep of the fabric sees are judged there.
import type { AgentMetricId } from '#agent/contract';
import type { Alert } from '#server/contract';
import { pcieRateOf } from '../fabric/rates.ts';
import { isStale, type FabricWatch } from '../fabric/watch.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { FleetNode } from '../fleet/node.ts';
import type { PublishedSeries } from '../fleet/schema.ts';

/** Slower than this share of what its model usually has. */
export const DEGRADED_BELOW = 0.8;
/** So many devices of a model on other links, and this share of them alike, say what is usual. */
export const PEERS = 4;
export const PEERS_SHARE = 2 / 3;
export const FIRES_AFTER_MS = 60_000;
/** Links change seldom. */
const JUDGED_EVERY_MS = 10_000;
/** A fleet of mixed roles has ports of one model at several speeds on purpose. */
const ACTIVE = 4;

/** One link of one device, as it is. */
export interface DeviceLink {
  readonly node: string;
  /** `mlx5_0 port 1`, `nvme2`. */
  readonly device: string;
  /** What it is compared within. */
  readonly model: string;
  readonly what: 'InfiniBand link' | 'PCIe link';
  /** Bytes a second. */
  readonly rate: number;
  /** As people say it: `x8 of generation 3`. */
  readonly speed: string;
}

export interface Degraded extends DeviceLink {
  readonly usual: string;
  readonly alike: number;
  readonly peers: number;
}

/** Links that are slower than most of their model. */
export function judgeLinks(links: readonly DeviceLink[]): readonly Degraded[] {
  return [...Map.groupBy(links, ({ what, model }) => `${what} ${model}`).values()].flatMap((group) => {
    const bySpeed = [...Map.groupBy(group, ({ speed }) => speed).values()];
    const most = bySpeed.toSorted((a, b) => b.length - a.length)[0] ?? [];
    const [usual] = most;
    if (!usual || group.length < PEERS || most.length < group.length * PEERS_SHARE) return [];
    return group
      .filter(({ rate }) => rate < DEGRADED_BELOW * usual.rate)
      .map((link) => ({ ...link, usual: usual.speed, alike: most.length, peers: group.length }));
  });
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
        [...model.agents.values()].map(({ node, device, port }) => `${node} ${device} ${port}`),
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
    text: `${link.node} ${link.device}: its ${link.what} runs at ${link.speed}, ${link.alike} of ${link.peers} of its model at ${link.usual}`,
  };
}

function linksOf(node: FleetNode, seen: ReadonlySet<string>): readonly DeviceLink[] {
  const { byMetric } = node.schema;
  if (!byMetric.has('infiniband_info') && !byMetric.has('nvme_info')) return [];
  return [
    ...portLinks(node, seen),
    ...pcieLinks(
      node,
      'infiniband_info',
      ['infiniband_pcie_link_generation', 'infiniband_pcie_link_width'],
      ['hca_type', 'board_id'],
    ),
    ...pcieLinks(node, 'nvme_info', ['nvme_pcie_link_generation', 'nvme_pcie_link_width'], ['model']),
  ];
}

const labelOf = ({ row, labels }: PublishedSeries, name: string): string => labels[row.labels.indexOf(name)] ?? '';

function portLinks(node: FleetNode, seen: ReadonlySet<string>): readonly DeviceLink[] {
  const { byMetric } = node.schema;
  const of = (metric: AgentMetricId, device: string, port: string): PublishedSeries | undefined =>
    byMetric.get(metric)?.find(({ labels }) => labels[0] === device && labels[1] === port);
  return (byMetric.get('infiniband_data_rate_bytes_per_second') ?? []).flatMap((series) => {
    const [device = '', port = ''] = series.labels;
    const rate = node.level(series);
    const isActive = node.level(of('infiniband_state_id', device, port)) === ACTIVE;
    const hca = byMetric.get('infiniband_info')?.find(({ labels }) => labels[0] === device);
    const info = of('infiniband_port_info', device, port);
    if (!isActive || !(rate > 0) || !hca || !info || seen.has(`${node.name} ${device} ${port}`)) return [];
    // Ports of one model at several speeds on purpose differ in their role.
    const model = ['hca_type', 'board_id'].map((name) => labelOf(hca, name)).join(' ');
    const place = ['link_layer', 'role'].map((name) => labelOf(info, name)).join(' ');
    const speed = `${Math.round((rate * 8) / 1e9)} Gb/s`;
    return [
      {
        node: node.name,
        device: `${device} port ${port}`,
        model: `${model} ${place}`,
        what: 'InfiniBand link',
        rate,
        speed,
      },
    ];
  });
}

function pcieLinks(
  node: FleetNode,
  info: AgentMetricId,
  [generationOf, widthOf]: readonly [AgentMetricId, AgentMetricId],
  modelLabels: readonly string[],
): readonly DeviceLink[] {
  const { byMetric } = node.schema;
  return (byMetric.get(info) ?? []).flatMap((series) => {
    const [device = ''] = series.labels;
    const level = (metric: AgentMetricId): number =>
      node.level(byMetric.get(metric)?.find(({ labels }) => labels[0] === device));
    const generation = level(generationOf);
    const width = level(widthOf);
    const rate = pcieRateOf(generation, width);
    const model = modelLabels.map((name) => labelOf(series, name)).join(' ');
    if (!(rate > 0) || model.trim() === '') return [];
    return [
      { node: node.name, device, model, what: 'PCIe link', rate, speed: `x${width} of generation ${generation}` },
    ];
  });
}
