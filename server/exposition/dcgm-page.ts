// dcgm-exporter's page for one node or the whole fleet, from the newest values of their agents.
import { namedLabels, PRESENT, renderDcgmExporter, type CompatNode, type CompatSeries } from '#agent/contract';
import type { FleetNode } from '../fleet/node.ts';

/** One node's labels are exactly theirs. Empty while the node is down. */
export function renderNodeDcgm(node: FleetNode, nowMs: number): string {
  return node.isUp(nowMs) ? renderDcgmExporter([compatNode(node)]) : '';
}

/** Here the label `node` is added. */
export function renderFleetDcgm(nodes: readonly FleetNode[], nowMs: number): string {
  const up = nodes.filter((node) => node.isUp(nowMs));
  return renderDcgmExporter(up.map((node) => ({ ...compatNode(node), node: node.name })));
}

function compatNode(node: FleetNode): CompatNode {
  return { hostname: node.name, series: seriesOf(node) };
}

function seriesOf({ schema, decoder }: FleetNode): readonly CompatSeries[] {
  return schema.published
    .filter(({ row, index }) => row.area === 'gpu' && decoder.states[index] === PRESENT)
    .map(({ id, row, labels, index }) => ({ id, steps: decoder.exact(index), labels: namedLabels(row, labels) }));
}
