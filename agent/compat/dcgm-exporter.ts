// The page that dcgm-exporter writes for the same GPUs, from what was read last.
import { namedLabels, PRESENT, renderDcgmExporter as renderPage } from '#agent/contract';
import type { Snapshot } from '../snapshot.ts';

/** Prometheus text 0.0.4; empty without GPUs. */
export function renderDcgmExporter(snapshot: Snapshot, node: string): string {
  const series = snapshot.series
    .filter(({ row, state }) => row.area === 'gpu' && state === PRESENT)
    .map(({ id, row, labels, steps }) => ({ id, steps, labels: namedLabels(row, labels) }));
  return renderPage([{ hostname: node, series }]);
}
