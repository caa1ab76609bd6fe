// What the server derives for the devices of all nodes, renewed once a second; for the metrics page, the diagnosis and the web.
import type { DerivedMetricId } from '#agent/contract';
import type { Fleet } from '../fleet/fleet.ts';
import type { FleetNode } from '../fleet/node.ts';
import { peerOf } from '../fabric/model.ts';
import { shortName } from '../fabric/names.ts';
import { isStale, type Fabric, type FabricWatch } from '../fabric/watch.ts';
import { DerivedNode } from './node.ts';
import { seriesOf, type DerivedSeries } from './series.ts';

const none: readonly DerivedSeries[] = [];

export class Derived {
  readonly #fleet: Fleet;
  readonly #fabrics: FabricWatch;
  readonly #nodes = new WeakMap<FleetNode, DerivedNode>();
  #peers: ReadonlyMap<string, readonly DerivedSeries[]> = new Map();
  #fabricGeneration = -1;

  constructor(fleet: Fleet, fabrics: FabricWatch) {
    this.#fleet = fleet;
    this.#fabrics = fabrics;
  }

  /** Once a second; nodes that are down keep their levels and show no value. */
  renew(nowMs: number): void {
    for (const node of this.#fleet.nodes) if (node.isUp(nowMs)) this.#of(node).renew(node);
    if (this.#fabrics.generation === this.#fabricGeneration) return;
    this.#fabricGeneration = this.#fabrics.generation;
    this.#peers = peersOf(this.#fabrics.fabrics, nowMs);
  }

  /** The series of one metric of a node; those of value NaN are absent now. */
  seriesOf(node: FleetNode, id: DerivedMetricId): readonly DerivedSeries[] {
    if (id === 'infiniband_port_peer_info') return this.#peers.get(node.name) ?? none;
    return this.#nodes.get(node)?.series.get(id) ?? none;
  }

  /** One value in base units by its labels; NaN where there is none. */
  value(node: FleetNode, id: DerivedMetricId, labels: readonly string[]): number {
    return this.seriesOf(node, id).find((one) => labels.every((label, at) => one.labels[at] === label))?.value ?? NaN;
  }

  #of(node: FleetNode): DerivedNode {
    let derived = this.#nodes.get(node);
    if (!derived) this.#nodes.set(node, (derived = new DerivedNode()));
    return derived;
  }
}

/** What each node's ports are plugged into, by node. */
function peersOf(fabrics: readonly Fabric[], nowMs: number): ReadonlyMap<string, readonly DerivedSeries[]> {
  const peers = fabrics.flatMap((fabric) => {
    if (isStale(fabric, nowMs)) return [];
    return [...fabric.model.ports.values()].flatMap((port) => {
      const peer = port.agent && peerOf(fabric.model, port);
      if (!port.agent || !peer) return [];
      const { node, device, port: number, guid } = port.agent;
      const { kind, name } = peer.device;
      const labels = [device, number, guid, peer.device.guid, String(peer.port), shortName(name).toWellFormed()];
      return [{ node, series: { ...seriesOf('infiniband_port_peer_info', [...labels, kind]), value: 1 } }];
    });
  });
  return new Map(
    [...Map.groupBy(peers, ({ node }) => node)].map(([node, all]) => [node, all.map(({ series }) => series)]),
  );
}
