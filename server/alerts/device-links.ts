// The links of a node's devices as they are: InfiniBand ports, and the PCIe links of adapters and NVMe controllers.
import type { AgentMetricId } from '#agent/contract';
import { pcieRateOf } from '../fabric/rates.ts';
import type { FleetNode } from '../fleet/node.ts';
import type { PublishedSeries } from '../fleet/schema.ts';

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
  /** What the device itself says it could do, where that is more. */
  readonly best?: { readonly rate: number; readonly speed: string };
}

/** `seen`: ports that are judged elsewhere, as `node device port`. */
export function linksOf(node: FleetNode, seen: ReadonlySet<string>): readonly DeviceLink[] {
  const { byMetric } = node.schema;
  if (!byMetric.has('infiniband_info') && !byMetric.has('nvme_info')) return [];
  return [
    ...portLinks(node, seen),
    ...pcieLinks(
      node,
      'infiniband_info',
      ['infiniband_pcie_link_generation', 'infiniband_pcie_link_width', 'infiniband_pcie_link_width_max'],
      ['hca_type', 'board_id'],
    ),
    ...pcieLinks(
      node,
      'nvme_info',
      ['nvme_pcie_link_generation', 'nvme_pcie_link_width', 'nvme_pcie_link_width_max'],
      ['model'],
    ),
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
  [generationOf, widthOf, widthBestOf]: readonly [AgentMetricId, AgentMetricId, AgentMetricId],
  modelLabels: readonly string[],
): readonly DeviceLink[] {
  const { byMetric } = node.schema;
  return (byMetric.get(info) ?? []).flatMap((series) => {
    const [device = ''] = series.labels;
    const level = (metric: AgentMetricId): number =>
      node.level(byMetric.get(metric)?.find(({ labels }) => labels[0] === device));
    const generation = level(generationOf);
    const width = level(widthOf);
    const widthBest = level(widthBestOf);
    const rate = pcieRateOf(generation, width);
    const model = modelLabels.map((name) => labelOf(series, name)).join(' ');
    if (!(rate > 0) || model.trim() === '') return [];
    const speed = renderPcie(width, generation);
    return [
      { node: node.name, device, model, what: 'PCIe link', rate, speed, ...bestOf(generation, width, widthBest) },
    ];
  });
}

const renderPcie = (width: number, generation: number): string => `x${width} of generation ${generation}`;

/** Lanes alone: the generation of a device says nothing of what its slot can do. */
function bestOf(generation: number, width: number, widthBest: number): Pick<DeviceLink, 'best'> {
  if (!(widthBest > width)) return {};
  return { best: { rate: pcieRateOf(generation, widthBest), speed: renderPcie(widthBest, generation) } };
}
