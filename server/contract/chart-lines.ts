// How the lines of a chart and their values follow from the series of a node. Pure, so that the server's history and the
// page's live points are computed by the same code.
import { rowOf, type AgentMetricId } from '#agent/contract';
import type { ChartOver, ChartSource, ChartSpec } from './chart-spec.ts';

/** One series as the schema names it: metric id and label values in the row's order. */
export type SchemaEntry = readonly [metric: AgentMetricId, labels: readonly string[]];

export interface ChartLine {
  /** The device: `nvme0n1`, `GPU 3`, `mlx5_0/1`; empty where there is only one. */
  readonly name: string;
  readonly source: ChartSource['kind'];
  /** Indexes of the series above and below the division; `below` is empty for plain values and rates. */
  readonly above: readonly number[];
  readonly below: readonly number[];
  /** Levels that stand in for a rate that is not there. */
  readonly instead: readonly number[];
  readonly by: ChartOver['by'] | undefined;
}

/** What a line's value is computed from. NaN means not there. */
export interface SeriesView {
  /** Level in base units. */
  level(index: number): number;
  /** Gain per second in base units. */
  rate(index: number): number;
}

export function linesOf(spec: ChartSpec, schema: readonly SchemaEntry[]): readonly ChartLine[] {
  const { source, over } = spec;
  const drop = source.kind === 'share' ? source.label : over?.label;
  const groups = Map.groupBy(seriesOf(spec, schema), ({ labels }) => keyOf(labels, drop));
  return [...groups.values()].map((group) => {
    const first = group[0]?.labels ?? {};
    return { name: deviceName(first, drop), source: source.kind, by: over?.by, ...partsOf(source, group, schema) };
  });
}

/** The line's value now; NaN where it cannot be told. */
export function valueOf(line: ChartLine, view: SeriesView): number {
  const add = line.by === undefined ? sum : presentOnly(line.by === 'sum' ? sum : greatest);
  const rates = (indexes: readonly number[]): number => add(indexes.map((index) => view.rate(index)));
  const levels = (indexes: readonly number[]): number => add(indexes.map((index) => view.level(index)));
  switch (line.source) {
    case 'value':
      return levels(line.above);
    case 'rate': {
      const rate = line.above.length === 0 ? NaN : rates(line.above);
      return Number.isNaN(rate) && line.instead.length > 0 ? levels(line.instead) : rate;
    }
    case 'quotient':
    case 'share': {
      const below = rates(line.below);
      return below > 0 ? rates(line.above) / below : NaN;
    }
    case 'used': {
      const below = levels(line.below);
      return below > 0 ? 1 - levels(line.above) / below : NaN;
    }
  }
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const greatest = (values: readonly number[]): number => Math.max(...values);

/** Leaves out what is not there; NaN where nothing is. */
function presentOnly(add: typeof sum): typeof sum {
  return (values) => {
    const present = values.filter((value) => !Number.isNaN(value));
    return present.length === 0 ? NaN : add(present);
  };
}

interface Indexed {
  readonly metric: AgentMetricId;
  readonly index: number;
  readonly labels: Readonly<Record<string, string>>;
}

/** Every series that a chart draws from, what stands in for a counter included. */
function seriesOf({ source, where = {}, over }: ChartSpec, schema: readonly SchemaEntry[]): readonly Indexed[] {
  const metrics = source.kind === 'rate' && source.orLevel ? [source.metric, source.orLevel] : [source.metric];
  const found = metrics.flatMap((metric) => entriesOf(schema, metric, where));
  const only = over?.only;
  return only ? found.filter(({ labels }) => only.includes(labels[over.label] ?? '')) : found;
}

function entriesOf(
  schema: readonly SchemaEntry[],
  metric: AgentMetricId,
  where: Readonly<Record<string, string>>,
): readonly Indexed[] {
  const names = rowOf(metric).labels;
  return schema.flatMap(([id, values], index) => {
    if (id !== metric) return [];
    const labels = Object.fromEntries(names.map((name, at) => [name, values[at] ?? '']));
    return Object.entries(where).every(([name, value]) => labels[name] === value) ? [{ metric, index, labels }] : [];
  });
}

function partsOf(
  source: ChartSource,
  group: readonly Indexed[],
  schema: readonly SchemaEntry[],
): Pick<ChartLine, 'above' | 'below' | 'instead'> {
  const all = group.map(({ index }) => index);
  const instead: readonly number[] = [];
  switch (source.kind) {
    case 'value':
      return { above: all, below: [], instead };
    case 'rate': {
      const of = (counts: boolean): readonly number[] =>
        group.filter(({ metric }) => (metric === source.metric) === counts).map(({ index }) => index);
      return { above: of(true), below: [], instead: of(false) };
    }
    case 'share':
      return {
        above: group
          .filter(({ labels }) => !source.without.includes(labels[source.label] ?? ''))
          .map(({ index }) => index),
        below: all,
        instead,
      };
    case 'quotient':
      return {
        above: all,
        below: entriesOf(schema, source.by, group[0]?.labels ?? {}).map(({ index }) => index),
        instead,
      };
    case 'used':
      return {
        above: all,
        below: entriesOf(schema, source.of, group[0]?.labels ?? {}).map(({ index }) => index),
        instead,
      };
  }
}

function keyOf(labels: Readonly<Record<string, string>>, drop: string | undefined): string {
  return Object.entries(labels)
    .filter(([name]) => name !== drop)
    .map(([, value]) => value)
    .join('\u0000');
}

function deviceName(labels: Readonly<Record<string, string>>, drop: string | undefined): string {
  if (labels['gpu'] !== undefined) return `GPU ${labels['gpu']}${instanceName(labels)}`;
  if (labels['port'] !== undefined) return `${labels['device'] ?? ''}/${labels['port']}`;
  const [first] = Object.entries(labels).filter(([name]) => name !== drop);
  if (!first) return '';
  return first[0] === 'numa_node' ? `NUMA ${first[1]}` : first[1];
}

function instanceName({ mig_gi = '', mig_ci = '' }: Readonly<Record<string, string>>): string {
  return mig_gi === '' ? '' : ` MIG ${mig_gi}${mig_ci === '' ? '' : `/${mig_ci}`}`;
}
