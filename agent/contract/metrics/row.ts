// One row per metric: everything anybody needs to know of it, written once.
import type { Unit } from '../units.ts';

export type Kind = 'counter' | 'gauge' | 'info';

/** How often it is read: fast 1 s, medium 5–10 s, slow 30–60 s, inventory at start and every 5 min, server = derived there. */
export type Lane = 'fast' | 'medium' | 'slow' | 'inventory' | 'server';

/** The areas we read. One word is file name, config key, fixture folder and docs anchor at once. */
export const areas = [
  'gpu',
  'infiniband',
  'block',
  'nvme',
  'mounts',
  'nfs',
  'lustre',
  'gpfs',
  'gds',
  'cpu',
  'memory',
  'pressure',
  'network',
  'host',
  'pcie',
  'edac',
  'hwmon',
  'process',
  'jobs',
  'agent',
  'verdict',
  'fabric',
  'server',
] as const;
export type Area = (typeof areas)[number];

/** Labels of a MIG instance. Empty for a whole GPU, and then not written: to Prometheus that is the same. */
export const instanceLabels = ['mig_gi', 'mig_ci'] as const;

export interface MetricRow<L extends string = string, K extends Kind = Kind, U extends Unit = Unit> {
  readonly kind: K;
  readonly area: Area;
  readonly unit: U;
  /** Label names after `node`, in the order they are written. The first one names the device. */
  readonly labels: readonly L[];
  /** HELP text: ends without a full stop, says the source's own field. */
  readonly help: string;
  /** Short title for people: chart heads, tables. */
  readonly title: string;
  /** Where it is read. */
  readonly source: string;
  /** Whole steps per base unit: the resolution it is kept, sent and shown with. 1000 = milliseconds of a second. */
  readonly scale: number;
  readonly lane: Lane;
}

/** The device a series belongs to, as `whyidle_unavailable` names it: `3` for a GPU, `mlx5_0/1` for a port, `nvme0n1`. */
export function deviceOf({ labels }: Pick<MetricRow, 'labels'>, values: readonly string[]): string {
  const [first = '', second = ''] = values;
  return labels[0] === 'device' && labels[1] === 'port' && second !== '' ? `${first}/${second}` : first;
}

interface Details<L extends string> {
  readonly labels?: readonly L[];
  readonly help: string;
  readonly title: string;
  readonly source: string;
  readonly scale?: number;
  readonly lane?: Lane;
}

/** Row builders of one area: `const { counter, gauge, info } = rowsOf('block')`. */
export function rowsOf(area: Area): {
  counter: <L extends string = never>(unit: Unit, details: Details<L>) => MetricRow<L, 'counter'>;
  gauge: <U extends Unit, L extends string = never>(unit: U, details: Details<L>) => MetricRow<L, 'gauge', U>;
  info: <L extends string = never>(details: Details<L>) => MetricRow<L, 'info'>;
} {
  return {
    counter: (unit, details) => row('counter', area, unit, details),
    gauge: (unit, details) => row('gauge', area, unit, details),
    info: (details) => row('info', area, 'none', { lane: 'inventory', ...details }),
  };
}

function row<L extends string, K extends Kind, U extends Unit>(
  kind: K,
  area: Area,
  unit: U,
  details: Details<L>,
): MetricRow<L, K, U> {
  return {
    kind,
    area,
    unit,
    labels: details.labels ?? [],
    help: details.help,
    title: details.title,
    source: details.source,
    scale: details.scale ?? 1,
    lane: details.lane ?? 'fast',
  };
}
