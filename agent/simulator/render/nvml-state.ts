// Writes the state file of our stand-in for libnvidia-ml: fixed records under a sequence lock, counters as a value, a rate, a time.
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { elementAt, encode, type CounterValue } from './binary-layout.ts';
import { nvmlFunctions, type NvmlFunction } from './nvml-functions.ts';
import {
  NVML_LAYOUT_VERSION,
  NVML_MAGIC,
  nvmlEvent,
  nvmlGpu,
  nvmlHeader,
  nvmlLimits,
  nvmlStateLayout,
  type NvmlGpu,
  type NvmlLevels,
} from './nvml-layout.ts';

export interface NvmlDriver {
  readonly driver: string;
  readonly nvml: string;
  /** 12020 is CUDA 12.2. */
  readonly cuda: number;
  /** Field values with a greater number are unknown to it. */
  readonly newestField: number;
  /** What nvmlInit answers. */
  readonly initReturn: number;
  readonly samplePeriodUs: number;
  readonly pcieWaitMs: number;
}

export interface NvmlStateOptions {
  readonly driver?: Partial<NvmlDriver>;
  /** CLOCK_MONOTONIC; the library reads it too. */
  readonly nowNs?: () => bigint;
  readonly wallMs?: () => number;
  /** Time stands still for the library; every writing gives it the writer's. */
  readonly frozen?: boolean;
}

export interface NvmlFaultSpec {
  readonly returns?: number;
  /** -1 is for ever. */
  readonly delayMs?: number;
  readonly crash?: 'abort' | 'segfault';
}

interface RunningCounter {
  readonly from: number;
  readonly count: number;
  readonly perSecond: number;
  readonly atNs: bigint;
}
type Moment = NvmlLevels & { readonly sinceNs: number };

const { offsets, fields } = nvmlStateLayout;
const defaultDriver: NvmlDriver = {
  driver: '535.261.03',
  nvml: '12.535.261.03',
  cuda: 12_020,
  newestField: 302,
  initReturn: 0,
  samplePeriodUs: 166_667,
  pcieWaitMs: 20,
};

export class NvmlStateFile {
  readonly path: string;
  #driver: NvmlDriver;
  #gpus: readonly NvmlGpu[] = [];
  #sequence = 0;
  #events = 0;
  readonly #file: number;
  readonly #options: NvmlStateOptions;
  readonly #anchor: { readonly wallUs: number; readonly monotonicNs: number };
  readonly #counters = new Map<string, RunningCounter>();
  readonly #history = new Map<string, readonly Moment[]>();
  readonly #faults = new Map<NvmlFunction, Map<number, NvmlFaultSpec>>();

  constructor(path: string, gpus: readonly NvmlGpu[], options: NvmlStateOptions = {}) {
    this.path = path;
    this.#options = options;
    this.#driver = { ...defaultDriver, ...options.driver };
    this.#anchor = { wallUs: (options.wallMs ?? Date.now)() * 1000, monotonicNs: Number(this.#nowNs()) };
    this.#file = openSync(path, 'w+');
    writeSync(this.#file, Buffer.alloc(nvmlStateLayout.size), 0, nvmlStateLayout.size, 0);
    for (const name of nvmlFunctions) this.fault(name, undefined);
    this.update(gpus);
  }

  /** Every GPU anew. Counters run on, except those whose `from` changed. */
  update(gpus: readonly NvmlGpu[]): void {
    if (gpus.length > nvmlLimits.gpus) throw new RangeError(`NVML's state holds ${nvmlLimits.gpus} GPUs`);
    const nowNs = this.#nowNs();
    this.#gpus = gpus;
    const records = gpus.map((gpu) => this.#encodeGpu(gpu, nowNs));
    this.#locked(nowNs, () => {
      for (const [index, record] of records.entries())
        this.#write(offsets.gpus + elementAt(fields.gpus, index), record);
    });
  }

  /** Moves a frozen clock on, everything else as it was: what counts, counts. */
  tick(): void {
    this.#locked(this.#nowNs(), () => undefined);
  }

  /** One GPU in part; its counters run on. */
  change(index: number, part: Partial<NvmlGpu>): void {
    this.update(this.#gpus.map((gpu, at) => (at === index ? { ...gpu, ...part } : gpu)));
  }

  changeDriver(part: Partial<NvmlDriver>): void {
    this.#driver = { ...this.#driver, ...part };
    this.update(this.#gpus);
  }

  /** An event as NVML numbers its types; 8 is an Xid, `data` its code. */
  raise(index: number, event: { readonly type: number; readonly data: number }): void {
    const slot = this.#events % nvmlLimits.events;
    this.#events += 1;
    const record = encode(nvmlEvent, { uuid: this.gpu(index).uuid, ...event, sequence: this.#events });
    this.#locked(this.#nowNs(), () => {
      this.#write(offsets.events + elementAt(fields.events, slot), record);
    });
  }

  /** For all GPUs where none is given; undefined ends it. */
  fault(name: NvmlFunction, fault: NvmlFaultSpec | undefined, gpu?: number): void {
    const ofFunction = this.#faults.get(name) ?? new Map<number, NvmlFaultSpec>();
    this.#faults.set(name, ofFunction);
    const place = gpu === undefined ? 0 : gpu + 1;
    if (fault) ofFunction.set(place, fault);
    else ofFunction.delete(place);
    const places = Array.from({ length: nvmlLimits.gpus + 1 }, (_, at) => ofFunction.get(at));
    const record = encode(fields.faults.of, {
      returns: places.map((at) => at?.returns ?? 0),
      delaysMs: places.map((at) => at?.delayMs ?? 0),
      crashes: places.map((at) => (at?.crash === undefined ? 0 : at.crash === 'abort' ? 1 : 2)),
    });
    this.#write(offsets.faults + elementAt(fields.faults, nvmlFunctions.indexOf(name)), record);
  }

  /** How often the library's function was called, by all processes together. */
  calls(name: NvmlFunction): number {
    const bytes = Buffer.alloc(8);
    readSync(this.#file, bytes, 0, 8, offsets.calls + elementAt(fields.calls, nvmlFunctions.indexOf(name)));
    return Number(bytes.readBigUInt64LE());
  }

  gpu(index: number): NvmlGpu {
    const gpu = this.#gpus[index];
    if (!gpu) throw new RangeError(`no GPU ${index}`);
    return gpu;
  }

  close(): void {
    closeSync(this.#file);
  }

  #encodeGpu(gpu: NvmlGpu, nowNs: bigint): Buffer {
    return encode(nvmlGpu, { ...gpu, countersNs: Number(nowNs), history: this.#historyOf(gpu, nowNs) }, (at, value) =>
      this.#countOf(`${gpu.uuid} ${at}`, value, nowNs),
    );
  }

  #countOf(key: string, { from, perSecond }: CounterValue, nowNs: bigint): number {
    const before = this.#counters.get(key);
    const count = before?.from === from ? advanced(before, nowNs) : from;
    this.#counters.set(key, { from, count, perSecond, atNs: nowNs });
    return count;
  }

  #historyOf({ uuid, levels = {} }: NvmlGpu, nowNs: bigint): readonly Moment[] {
    const before = this.#history.get(uuid) ?? [];
    const [newest] = before;
    if (newest && isSameLoad(newest, levels)) return before;
    const history = [{ ...levels, sinceNs: Number(nowNs) }, ...before].slice(0, nvmlLimits.levels);
    this.#history.set(uuid, history);
    return history;
  }

  #locked(nowNs: bigint, write: () => void): void {
    this.#writeSequence();
    write();
    this.#write(offsets.header, this.#header(nowNs));
    this.#writeSequence();
  }

  #writeSequence(): void {
    this.#sequence += 1;
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(this.#sequence);
    this.#write(offsets.header + nvmlHeader.offsets.sequence, bytes);
  }

  #header(nowNs: bigint): Buffer {
    const { driver, nvml, cuda, ...rest } = this.#driver;
    return encode(nvmlHeader, {
      ...rest,
      magic: NVML_MAGIC,
      version: NVML_LAYOUT_VERSION,
      sequence: this.#sequence,
      gpuCount: this.#gpus.length,
      driver,
      nvmlVersion: nvml,
      cudaVersion: cuda,
      eventCount: this.#events,
      ...this.#anchor,
      frozenNs: this.#options.frozen === true ? Number(nowNs) : 0,
    });
  }

  #nowNs(): bigint {
    return (this.#options.nowNs ?? process.hrtime.bigint)();
  }

  #write(at: number, bytes: Buffer): void {
    writeSync(this.#file, bytes, 0, bytes.length, at);
  }
}

function advanced({ count, perSecond, atNs }: RunningCounter, nowNs: bigint): number {
  return count + (perSecond * Number(nowNs - atNs)) / 1e9;
}

function isSameLoad({ sinceNs: _, ...before }: Moment, levels: NvmlLevels): boolean {
  return JSON.stringify(before) === JSON.stringify(levels);
}
