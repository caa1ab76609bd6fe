// Charts of the node page: one row per chart, in the order of the page. How a line's value follows from the series: chart-lines.ts.
import type { ChartSpec } from './chart-spec.ts';
import { gpuCharts } from './gpu-charts.ts';
import { hostCharts } from './host-charts.ts';

export type { ChartOver, ChartSource, ChartSpec } from './chart-spec.ts';
export { heldDownBy, olderReasons } from './gpu-charts.ts';

export const nodeCharts: readonly ChartSpec[] = [...gpuCharts, ...hostCharts];
