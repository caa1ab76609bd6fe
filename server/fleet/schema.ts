// What one agent said it will send, checked against the closed catalogue: unknown metrics, rows of another label count and
// repeated series keep their place in frames and are never published.
import { isAgentMetricId, rowOf, type AgentMetricId, type MetricRow, type SchemaMessage } from '#agent/contract';

export interface PublishedSeries {
  /** Its index in frames. */
  readonly index: number;
  readonly id: AgentMetricId;
  readonly row: MetricRow;
  readonly labels: readonly string[];
}

/** The series of one GPU that the server itself looks at; undefined where the agent has none. */
export interface GpuSeries {
  readonly gpu: string;
  readonly uuid: string;
  readonly pciBusId: string;
  readonly name: string;
  readonly up: PublishedSeries | undefined;
  readonly utilization: PublishedSeries | undefined;
  readonly memoryUsed: PublishedSeries | undefined;
  readonly memoryTotal: PublishedSeries | undefined;
  readonly power: PublishedSeries | undefined;
  readonly temperature: PublishedSeries | undefined;
  readonly processes: readonly PublishedSeries[];
}

export interface NodeSchema {
  /** Series in frames, published or not. */
  readonly size: number;
  readonly published: readonly PublishedSeries[];
  readonly byMetric: ReadonlyMap<AgentMetricId, readonly PublishedSeries[]>;
  readonly gpus: readonly GpuSeries[];
}

export function buildSchema(series: SchemaMessage['series']): NodeSchema {
  const published = publishedOf(series);
  return {
    size: series.length,
    published,
    byMetric: Map.groupBy(published, ({ id }) => id),
    gpus: gpusOf(published),
  };
}

/** Whether two schemas name the same series in the same order. */
export function sameSchema(a: NodeSchema, b: NodeSchema): boolean {
  return (
    a.size === b.size &&
    a.published.length === b.published.length &&
    a.published.every((one, at) => {
      const other = b.published[at];
      return other?.id === one.id && other.index === one.index && sameTexts(one.labels, other.labels);
    })
  );
}

function sameTexts(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text, at) => text === b[at]);
}

function publishedOf(series: SchemaMessage['series']): readonly PublishedSeries[] {
  const seen = new Set<string>();
  return series.flatMap(([id, texts], index) => {
    if (!isAgentMetricId(id)) return [];
    const row = rowOf(id);
    if (texts.length !== row.labels.length) return [];
    // A lone surrogate would be written as the replacement character and could collide with another label.
    const labels = texts.map((text) => text.toWellFormed());
    const key = JSON.stringify([id, ...labels]);
    if (seen.has(key)) return [];
    seen.add(key);
    return [{ index, id, row, labels }];
  });
}

function gpusOf(published: readonly PublishedSeries[]): readonly GpuSeries[] {
  const ofGpus = published.filter(({ row }) => row.labels[0] === 'gpu' && row.labels[1] === 'uuid');
  const groups = Map.groupBy(ofGpus, ({ labels }) => JSON.stringify(labels.slice(0, 2)));
  return [...groups.values()].map(gpuOf);
}

function gpuOf(series: readonly PublishedSeries[]): GpuSeries {
  const [gpu = '', uuid = '', pciBusId = ''] = series[0]?.labels ?? [];
  const find = (metric: AgentMetricId): PublishedSeries | undefined => series.find(({ id }) => id === metric);
  const info = find('gpu_info');
  return {
    gpu,
    uuid,
    pciBusId,
    name: info?.labels[info.row.labels.indexOf('name')] ?? '',
    up: find('gpu_up'),
    utilization: find('gpu_utilization_ratio'),
    memoryUsed: find('gpu_memory_used_bytes'),
    memoryTotal: find('gpu_memory_total_bytes'),
    power: find('gpu_power_watts'),
    temperature: find('gpu_temperature_celsius'),
    processes: series.filter(({ id }) => id === 'gpu_processes'),
  };
}
