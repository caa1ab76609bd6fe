// Our GPU series under the names, units and labels of dcgm-exporter 4: https://github.com/NVIDIA/dcgm-exporter,
// etc/default-counters.csv and the templates of its pages. Pure: agent and server render the same page.
import { renderFamilyHead, renderLinePrefix } from '../text-format.ts';
import { dcgmFamilies, type DcgmFamily } from './dcgm-families.ts';
import { gpuViewsOf, type CompatSeries, type GpuView } from './gpu-view.ts';

export type { CompatSeries } from './gpu-view.ts';

export interface CompatNode {
  readonly hostname: string;
  /** The label `node`, where the page is of several nodes. */
  readonly node?: string;
  /** Series that have a value. */
  readonly series: Iterable<CompatSeries>;
}

/** Prometheus text 0.0.4; empty if no GPU has anything to tell. */
export function renderDcgmExporter(nodes: readonly CompatNode[]): string {
  const gpus = nodes.flatMap((node) => gpuViewsOf(node.series).map((gpu) => ({ node, gpu })));
  return dcgmFamilies
    .map((family) => {
      const lines = gpus.flatMap(({ node, gpu }) => linesOf(family, node, gpu));
      return lines.length === 0 ? '' : renderFamilyHead(family.name, family, 'prometheus') + lines.join('');
    })
    .join('');
}

function linesOf(family: DcgmFamily, node: CompatNode, gpu: GpuView): readonly string[] {
  return family.valuesOf(gpu).map(({ gi, text }) => {
    const labels = labelsOf(node, gpu, gi);
    return `${renderLinePrefix(
      family.name,
      labels.map(([name]) => name),
      labels.map(([, value]) => value),
    )}${text}\n`;
  });
}

type Label = readonly [name: string, value: string];

function labelsOf({ node, hostname }: CompatNode, gpu: GpuView, gi: string): readonly Label[] {
  const profile = gpu.profiles.get(gi) ?? '';
  return [
    ...some('node', node ?? ''),
    ['gpu', gpu.index],
    ['UUID', gpu.uuid],
    // Ours is lower case, DCGM prints capitals.
    ['pci_bus_id', gpu.pciBusId.toUpperCase()],
    ['device', `nvidia${gpu.index}`],
    ['modelName', gpu.model],
    ...some('GPU_I_PROFILE', profile),
    ...some('GPU_I_ID', gi),
    ['hostname', hostname],
    ...some('DCGM_FI_DRIVER_VERSION', gpu.driver),
  ];
}

function some(name: string, value: string): readonly Label[] {
  return value === '' ? [] : [[name, value]];
}
