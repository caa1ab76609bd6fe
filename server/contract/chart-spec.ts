// What a chart of the node page is: one row each, in gpu-charts.ts and host-charts.ts.
import type { AgentMetricId, Unit } from '#agent/contract';

export type ChartSource =
  /** The level itself. */
  | { readonly kind: 'value'; readonly metric: AgentMetricId }
  /** Gain per second of a counter, or a level that says the same where the device has no counter. */
  | { readonly kind: 'rate'; readonly metric: AgentMetricId; readonly orLevel?: AgentMetricId }
  /** Gain of one counter by gain of another; nothing while the divisor stands still. */
  | { readonly kind: 'quotient'; readonly metric: AgentMetricId; readonly by: AgentMetricId }
  /** Share of one label's values in the gain of a counter, without those named. */
  | {
      readonly kind: 'share';
      readonly metric: AgentMetricId;
      readonly label: string;
      readonly without: readonly string[];
    }
  /** One minus a level by another level of the same device. */
  | { readonly kind: 'used'; readonly metric: AgentMetricId; readonly of: AgentMetricId };

export interface ChartOver {
  readonly label: string;
  /** Their sum, or the greatest: what goes on at the same time must not be added up. */
  readonly by: 'sum' | 'greatest';
  /** Only these values of the label. */
  readonly only?: readonly string[];
}

export interface ChartSpec {
  readonly id: string;
  readonly title: string;
  readonly unit: Unit;
  readonly source: ChartSource;
  /** Only series with these label values. */
  readonly where?: Readonly<Record<string, string>>;
  /** Series that differ in this label alone are one line; those that are not there count nothing. */
  readonly over?: ChartOver;
  /** Top of the scale where the unit has one. */
  readonly max?: number;
  /** What one line is, in the plural: "8 GPUs". */
  readonly lines: string;
  /** Not every device can tell: the chart is left out until a value has come. */
  readonly onceKnown?: true;
}
