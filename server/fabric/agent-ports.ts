// The InfiniBand ports of all nodes as their agents tell them: what a fabric's ports are joined to.
import type { Fleet } from '../fleet/fleet.ts';
import type { FleetNode } from '../fleet/node.ts';
import type { AgentPort } from './model.ts';

/** A GPU that does this much is in use although nobody can count its processes. */
const BUSY = 0.05;

export function agentPortsOf(fleet: Fleet): readonly AgentPort[] {
  return fleet.nodes.flatMap((node) => {
    const ports = node.schema.byMetric.get('infiniband_port_info') ?? [];
    if (ports.length === 0) return [];
    const busy = fleet.gpusOf(node).some((gpu) => gpu.processes > 0 || gpu.utilization > BUSY);
    const bootMs = bootOf(node);
    return ports.flatMap(({ row, labels }) => {
      const label = (name: string): string => labels[row.labels.indexOf(name)] ?? '';
      if (label('guid') === '') return [];
      const [device, port, guid, role] = [label('device'), label('port'), label('guid'), label('role')];
      return [{ node: node.name, device, port, guid, role, busy, bootMs }];
    });
  });
}

/** By the server's clock. */
function bootOf(node: FleetNode): number | null {
  const seconds = node.level(node.schema.byMetric.get('node_boot_timestamp_seconds')?.[0]);
  return Number.isNaN(seconds) ? null : seconds * 1000 - (node.clockOffsetMs ?? 0);
}
