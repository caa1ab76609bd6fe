// GPM, the profiling of Hopper and newer: what engines did between two samples. Authority: nvml.h, nvmlGpmMetricsGet_t.
import { type Column, fill, ratioOfPercent, type Cell, type Group } from './columns.ts';
import { Question, type Device } from './question.ts';
import { absenceOf, SUCCESS } from './return-codes.ts';
import { gpmMetrics, gpmSupport } from './structs.ts';

/** The driver refuses or blurs samples that are closer together. */
const LEAST_MS = 100;

const metrics = [
  { id: 'gpu_graphics_engine_active_ratio', metricId: 1 },
  { id: 'gpu_sm_active_ratio', metricId: 2 },
  { id: 'gpu_sm_occupancy_ratio', metricId: 3 },
  { id: 'gpu_int_active_ratio', metricId: 4 },
  { id: 'gpu_tensor_active_ratio', metricId: 5 },
  { id: 'gpu_dram_active_ratio', metricId: 10 },
  { id: 'gpu_fp64_active_ratio', metricId: 11 },
  { id: 'gpu_fp32_active_ratio', metricId: 12 },
  { id: 'gpu_fp16_active_ratio', metricId: 13 },
] as const;

export function supportsGpm(device: Device): boolean {
  const memory = Buffer.alloc(gpmSupport.size);
  memory.writeUInt32LE(gpmSupport.version, 0);
  const query = device.nvml.bind('nvmlGpmQueryDeviceSupport');
  return device.try(() => query(device.handle, memory)) && memory.readUInt32LE(gpmSupport.isSupported) !== 0;
}

interface GpmOptions {
  readonly device: Device;
  readonly monotonicMs: () => number;
  /** Of a GPU instance; none for the whole GPU. */
  readonly gpuInstance?: number;
  readonly labels: Column['labels'];
}

/** undefined where the driver gives no memory for samples. */
export function gpmGroup(options: GpmOptions): Group | undefined {
  const samples = [allocate(options.device), allocate(options.device)] as const;
  const [first, second] = samples;
  return first === undefined || second === undefined ? undefined : new GpmGroup(options, [first, second]);
}

function allocate(device: Device): bigint | undefined {
  const memory = Buffer.alloc(8);
  return device.nvml.bind('nvmlGpmSampleAlloc')(memory) === SUCCESS ? memory.readBigUInt64LE(0) : undefined;
}

class GpmGroup implements Group {
  readonly columns: readonly Column[];
  readonly #device: Device;
  readonly #monotonicMs: () => number;
  readonly #sample: Question;
  readonly #metrics: Question;
  readonly #memory = Buffer.alloc(gpmMetrics.headerSize + metrics.length * gpmMetrics.metric.size);
  readonly #cells: Cell[] = metrics.map(() => 'not_present');
  #older: bigint;
  #newer: bigint;
  #sampledMs = Number.NEGATIVE_INFINITY;

  constructor({ device, monotonicMs, gpuInstance, labels }: GpmOptions, [older, newer]: readonly [bigint, bigint]) {
    const { nvml, handle } = device;
    this.columns = metrics.map(({ id }) => ({ id, labels }));
    this.#device = device;
    this.#monotonicMs = monotonicMs;
    this.#older = older;
    this.#newer = newer;
    const getSample = nvml.bind('nvmlGpmSampleGet');
    const getMigSample = nvml.bind('nvmlGpmMigSampleGet');
    this.#sample = new Question(device, () =>
      gpuInstance === undefined ? getSample(handle, this.#older) : getMigSample(handle, gpuInstance, this.#older),
    );
    const getMetrics = nvml.bind('nvmlGpmMetricsGet');
    this.#metrics = new Question(device, () => getMetrics(this.#layOut()));
    this.#takeSample();
  }

  read(cells: Cell[], at: number): void {
    if (this.#monotonicMs() - this.#sampledMs >= LEAST_MS) this.#measure();
    for (let index = 0; index < metrics.length; index++) cells[at + index] = this.#cells[index] ?? 'malformed';
  }

  close(): void {
    const free = this.#device.nvml.bind('nvmlGpmSampleFree');
    free(this.#older);
    free(this.#newer);
  }

  #measure(): void {
    const isFirst = this.#sampledMs === Number.NEGATIVE_INFINITY;
    const missing = this.#takeSample() ?? (isFirst ? 'not_present' : this.#metrics.ask());
    if (missing !== undefined) fill(this.#cells, 0, metrics.length, missing);
    else for (let index = 0; index < metrics.length; index++) this.#cells[index] = this.#cellAt(index);
  }

  /** The new sample takes the place of the older one. */
  #takeSample(): ReturnType<Question['ask']> {
    const missing = this.#sample.ask();
    if (missing === undefined) {
      [this.#older, this.#newer] = [this.#newer, this.#older];
      this.#sampledMs = this.#monotonicMs();
    } else this.#sampledMs = Number.NEGATIVE_INFINITY;
    return missing;
  }

  #cellAt(index: number): Cell {
    const at = gpmMetrics.headerSize + index * gpmMetrics.metric.size;
    const code = this.#memory.readInt32LE(at + gpmMetrics.metric.nvmlReturn);
    return code === SUCCESS ? ratioOfPercent(this.#memory.readDoubleLE(at + gpmMetrics.metric.value)) : absenceOf(code);
  }

  #layOut(): Buffer {
    const memory = this.#memory;
    memory.writeUInt32LE(gpmMetrics.version, 0);
    memory.writeUInt32LE(metrics.length, gpmMetrics.numMetrics);
    memory.writeBigUInt64LE(this.#older, gpmMetrics.sample1);
    memory.writeBigUInt64LE(this.#newer, gpmMetrics.sample2);
    for (const [index, { metricId }] of metrics.entries())
      memory.writeUInt32LE(metricId, gpmMetrics.headerSize + index * gpmMetrics.metric.size);
    return memory;
  }
}
