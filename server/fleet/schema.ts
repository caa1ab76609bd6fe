// What one agent said it will send, checked against the closed catalogue: unknown metrics, rows of another label count and
// repeated series keep their place in frames and are never published.
import {
  isAgentMetricId,
  isOfInstance,
  rowOf,
  type AgentMetricId,
  type MetricRow,
  type SchemaMessage,
} from '#agent/contract';

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
  readonly engineActive: PublishedSeries | undefined;
  readonly memoryUsed: PublishedSeries | undefined;
  readonly memoryTotal: PublishedSeries | undefined;
  readonly power: PublishedSeries | undefined;
  readonly temperature: PublishedSeries | undefined;
  readonly processes: readonly PublishedSeries[];
  readonly xids: readonly XidSeries[];
}

/** When one Xid code of a GPU was last reported. */
export interface XidSeries {
  readonly code: number;
  readonly last: PublishedSeries;
}

/** What is said of the GPU reader of a node; undefined where the agent says nothing. */
export interface ReaderSeries {
  readonly up: PublishedSeries | undefined;
  readonly stuck: PublishedSeries | undefined;
  readonly info: PublishedSeries | undefined;
  readonly gpus: PublishedSeries | undefined;
  readonly expected: PublishedSeries | undefined;
  /** Why the area is missing as a whole, one series per reason. */
  readonly missing: readonly PublishedSeries[];
}

export interface NodeSchema {
  /** Series in frames, published or not. */
  readonly size: number;
  readonly published: readonly PublishedSeries[];
  readonly byMetric: ReadonlyMap<AgentMetricId, readonly PublishedSeries[]>;
  readonly gpus: readonly GpuSeries[];
  readonly reader: ReaderSeries;
}

export function buildSchema(series: SchemaMessage['series']): NodeSchema {
  const published = publishedOf(series);
  const byMetric = Map.groupBy(published, ({ id }) => id);
  return { size: series.length, published, byMetric, gpus: gpusOf(published), reader: readerOf(byMetric) };
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
  // Xids are counted also of a GPU that nobody has named: it is none of its own.
  return [...groups.values()].filter((group) => !group.every(({ id }) => id.startsWith('gpu_xid_'))).map(gpuOf);
}

function gpuOf(series: readonly PublishedSeries[]): GpuSeries {
  const [gpu = '', uuid = '', pciBusId = ''] = series[0]?.labels ?? [];
  // Those of MIG instances are parts of the GPU and would count a second time.
  const whole = series.filter(({ row, labels }) => !isOfInstance(row, labels));
  const find = (metric: AgentMetricId): PublishedSeries | undefined => whole.find(({ id }) => id === metric);
  const info = find('gpu_info');
  return {
    gpu,
    uuid,
    pciBusId,
    name: info?.labels[info.row.labels.indexOf('name')] ?? '',
    up: find('gpu_up'),
    utilization: find('gpu_utilization_ratio'),
    engineActive: find('gpu_graphics_engine_active_ratio'),
    memoryUsed: find('gpu_memory_used_bytes'),
    memoryTotal: find('gpu_memory_total_bytes'),
    power: find('gpu_power_watts'),
    temperature: find('gpu_temperature_celsius'),
    processes: series.filter(({ id }) => id === 'gpu_processes'),
    xids: series.filter(({ id }) => id === 'gpu_xid_last_timestamp_seconds').flatMap(xidOfSeries),
  };
}

function xidOfSeries(last: PublishedSeries): readonly XidSeries[] {
  const code = Number(last.labels[last.row.labels.indexOf('xid')]);
  return Number.isInteger(code) ? [{ code, last }] : [];
}

function readerOf(byMetric: ReadonlyMap<AgentMetricId, readonly PublishedSeries[]>): ReaderSeries {
  const first = (metric: AgentMetricId): PublishedSeries | undefined => byMetric.get(metric)?.[0];
  return {
    up: first('gpu_reader_up'),
    stuck: first('gpu_reader_stuck'),
    info: first('gpu_reader_info'),
    gpus: first('gpus'),
    expected: first('gpus_expected'),
    missing: (byMetric.get('unavailable') ?? []).filter(
      ({ labels: [area, device, name] }) => area === 'gpu' && device === '' && name === '',
    ),
  };
}
