// The pages in other exporters' names, by the name that asks for them.
import type { InfinibandSettings } from '../collectors/infiniband/settings.ts';
import type { Snapshot } from '../snapshot.ts';
import type { Tree } from '../sources/tree.ts';
import { renderDcgmExporter } from './dcgm-exporter.ts';
import { renderNodeExporter } from './node-exporter.ts';

export interface CompatSources {
  readonly tree: Tree;
  readonly snapshot: Snapshot;
  readonly node: string;
  readonly infiniband?: InfinibandSettings | undefined;
}

/** Prometheus text 0.0.4; undefined if the name is not known. */
export function renderCompat(name: string, { tree, snapshot, node, infiniband }: CompatSources): string | undefined {
  switch (name) {
    case 'node_exporter':
      return renderNodeExporter(tree, infiniband);
    case 'dcgm-exporter':
      return renderDcgmExporter(snapshot, node);
    default:
      return undefined;
  }
}
