// The page that prometheus-node-exporter 1.5 writes for the same tree: its names, labels and values, also where they are
// less right than ours (counters raw although saturated, every rate although the port is down). Read when asked for.
import { renderFamilyHead, renderLinePrefix } from '#agent/contract';
import { defaultInfinibandSettings, type InfinibandSettings } from '../collectors/infiniband/settings.ts';
import type { Tree } from '../sources/tree.ts';
import { diskFamilies, nvmeFamilies } from './node-exporter/disk.ts';
import type { Family } from './node-exporter/family.ts';
import { infinibandFamilies } from './node-exporter/infiniband.ts';
import { pressureFamilies } from './node-exporter/pressure.ts';

/** Prometheus text 0.0.4; empty if the tree has nothing to tell. Adapters that are to be left alone are left alone here too. */
export function renderNodeExporter(tree: Tree, adapters: InfinibandSettings = defaultInfinibandSettings): string {
  const families = [
    ...infinibandFamilies(tree, adapters),
    ...diskFamilies(tree),
    ...nvmeFamilies(tree),
    ...pressureFamilies(tree),
  ];
  return families.map(renderFamily).join('');
}

function renderFamily({ name, kind, help, labels, samples }: Family): string {
  if (samples.length === 0) return '';
  const lines = samples.map(({ values, value }) => `${renderLinePrefix(name, labels, values)}${String(value)}\n`);
  return renderFamilyHead(name, { kind, help }, 'prometheus') + lines.join('');
}
