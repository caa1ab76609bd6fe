// PCIe links of the devices that data passes through: what they run at beside the best they can, and the errors they told. Pure.
import type { AgentMetricId } from '#agent/contract';
import type { Device, NodeValues, SeriesIndex, Value } from '../../live/node-values.ts';

export interface PcieLink {
  /** `GPU 3`, `mlx5_0`, `nvme2`. */
  readonly name: string;
  readonly kind: 'GPU' | 'InfiniBand' | 'NVMe';
  readonly generation: Value;
  readonly generationMax: Value;
  readonly width: Value;
  readonly widthMax: Value;
  /** Fewer lanes than both ends have: a slot, a riser, a contact. */
  readonly narrow: boolean;
  /** A lower generation. Idle GPUs rest that way, and a slot may know no better. */
  readonly slower: boolean;
  readonly corrected: Value;
  readonly uncorrected: Value;
}

interface Family {
  readonly kind: PcieLink['kind'];
  readonly prefix: 'gpu' | 'infiniband' | 'nvme';
  readonly info: AgentMetricId;
  readonly labels: readonly string[];
}

const families: readonly Family[] = [
  { kind: 'GPU', prefix: 'gpu', info: 'gpu_info', labels: ['gpu', 'uuid', 'pci_bus_id'] },
  { kind: 'InfiniBand', prefix: 'infiniband', info: 'infiniband_info', labels: ['device'] },
  { kind: 'NVMe', prefix: 'nvme', info: 'nvme_info', labels: ['controller'] },
];

export function pcieLinks(index: SeriesIndex, values: NodeValues): readonly PcieLink[] {
  const errors = errorsByAddress(index, values);
  return families.flatMap((family) => {
    const { prefix, kind, info, labels } = family;
    const addresses = new Map(
      index.infos(info).map((one) => [labels.map((name) => one[name] ?? '').join('/'), one['pci_bus_id'] ?? '']),
    );
    return index.devices(`${prefix}_pcie_link_width`, labels).map((device): PcieLink => {
      const link = linkOf(values, device, prefix);
      const told = errors.get(addresses.get(device.key) ?? '');
      return {
        ...link,
        kind,
        name: kind === 'GPU' ? `GPU ${device.labels['gpu'] ?? ''}` : (device.labels[labels[0] ?? ''] ?? ''),
        corrected: told?.corrected,
        uncorrected: told?.uncorrected,
      };
    });
  });
}

function linkOf(values: NodeValues, device: Device, prefix: Family['prefix']) {
  const generation = values.of(`${prefix}_pcie_link_generation`, device);
  const generationMax = values.of(`${prefix}_pcie_link_generation_max`, device);
  const width = values.of(`${prefix}_pcie_link_width`, device);
  const widthMax = values.of(`${prefix}_pcie_link_width_max`, device);
  return {
    ...{ generation, generationMax, width, widthMax },
    narrow: isLess(width, widthMax),
    slower: isLess(generation, generationMax),
  };
}

const isLess = (now: Value, best: Value): boolean =>
  now?.kind === 'value' && best?.kind === 'value' && now.value < best.value;

interface Errors {
  readonly corrected: Value;
  readonly uncorrected: Value;
}

function errorsByAddress(index: SeriesIndex, values: NodeValues): ReadonlyMap<string, Errors> {
  const all = index.infos('pcie_aer_errors_total').map((labels) => ({
    address: labels['pci_bus_id'] ?? '',
    corrected: labels['severity'] === 'correctable',
    value: values.of('pcie_aer_errors_total', { key: '', labels }),
  }));
  return new Map(
    [...Map.groupBy(all, ({ address }) => address)].map(([address, list]) => [
      address,
      {
        corrected: sumOf(list.filter((one) => one.corrected).map(({ value }) => value)),
        uncorrected: sumOf(list.filter((one) => !one.corrected).map(({ value }) => value)),
      },
    ]),
  );
}

function sumOf(parts: readonly Value[]): Value {
  const known = parts.flatMap((part) => (part?.kind === 'value' ? [part.value] : []));
  return known.length === 0 ? parts[0] : { kind: 'value', value: known.reduce((sum, one) => sum + one, 0) };
}
