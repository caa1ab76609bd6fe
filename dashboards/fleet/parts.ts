// Pieces that the rows of the Fleet dashboard share: common expressions and panel shapes.
import type { PanelSpec } from '../panel.ts';
import { inClasses, selected, zeroWhere, type Matcher } from '../promql.ts';
import { unitOf } from '../units.ts';

export const held = inClasses('held');

export const rate = (selector: string): string => `rate(${selector}[$__rate_interval])`;
export const byNode = (expression: string): string => `sum by (node) (${expression})`;

/** How many GPUs a selector finds: zero, not nothing, as long as any GPU is known. */
export const countGpus = (selector: string): string => zeroWhere(allGpus, `count(${selector})`);
export const allGpus = `count(${selected('gpu_state')})`;

/** GPU time booked within the dashboard's time range. */
export const booked = (matcher?: Matcher): string =>
  `increase(${selected('gpu_state_seconds_total', matcher && { class: matcher })}[$__range])`;

export function figure(id: number, title: string, description: string, expr: string): PanelSpec & { kind: 'stat' } {
  return { id, kind: 'stat', title, description, unit: 'short', targets: [{ expr }], width: 4, height: 4 };
}

export function lines(
  id: number,
  title: string,
  description: string,
  expr: string,
  legend = '{{node}}',
): PanelSpec & { kind: 'lines' } {
  const targets = [{ expr, legend }];
  return { id, kind: 'lines', title, description, unit: 'short', targets, width: 12, height: 8 };
}

export function traffic(
  id: number,
  title: string,
  description: string,
  metric:
    | 'disk_read_bytes_total'
    | 'disk_written_bytes_total'
    | `infiniband_port_data_${'received' | 'transmitted'}_bytes_total`,
): PanelSpec {
  return { ...lines(id, title, description, byNode(rate(selected(metric)))), unit: unitOf(metric) };
}
