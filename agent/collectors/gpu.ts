// GPUs: which source carries the node, who adds to it, and the devices they fill. Sources: agent/sources/gpu-source.ts.
import type { AbsenceReason } from '#agent/contract';
import { columnOf } from '../parse/gpu/sheet.ts';
import type { GpuReport, SourceState } from '../sources/gpu-source.ts';
import type { Collector, CollectorContext, Reader, ReadLane, ReadResult } from './collector.ts';
import { GpuArea, type ReadBy } from './gpu/area.ts';
import { Carrier } from './gpu/carrier.ts';
import { GpuDevices } from './gpu/devices.ts';
import { Enrichment } from './gpu/enrichment.ts';
import { createSources, driverKinds } from './gpu/sources.ts';

/** The first reading waits this long for the first report, so that a single sample has its GPUs; less than any reading may take. */
const FIRST_REPORT_MS = 2500;
const smActive = columnOf('gpu_sm_active_ratio');

export const gpu: Collector = {
  area: 'gpu',
  start: (context) => startGpu(context, FIRST_REPORT_MS),
};

export function startGpu(context: CollectorContext, firstReportMs: number): Reader {
  return new GpuReader(context, firstReportMs);
}

class GpuReader implements Reader {
  readonly #context: CollectorContext;
  readonly #firstReportMs: number;
  readonly #area: GpuArea;
  readonly #devices: GpuDevices;
  readonly #carrier: Carrier;
  readonly #details: Enrichment | undefined;
  readonly #profiling: readonly Enrichment[];
  #settled = false;
  #applied: GpuReport | undefined;

  constructor(context: CollectorContext, firstReportMs: number) {
    const { intervalMs, monotonicMs, commands, log } = context;
    this.#context = context;
    this.#firstReportMs = firstReportMs;
    this.#area = new GpuArea(context);
    this.#devices = new GpuDevices(context, () => '');
    const { carriers, details, profiling } = createSources(context);
    this.#carrier = new Carrier({
      ...{ sources: carriers, intervalMs, monotonicMs, log },
      driverHangs: () => commands?.hangs(driverKinds) ?? false,
    });
    this.#details = details && new Enrichment(details, 'details', this.#devices);
    this.#profiling = profiling.map((source) => new Enrichment(source, 'profiling', this.#devices));
  }

  discover(): void {
    if (this.#carrier.source) this.#carrier.tick();
    else this.#area.isMissing('not_present', false);
  }

  read(lane: ReadLane): ReadResult | Promise<ReadResult> {
    if (lane !== 'fast' || !this.#carrier.source) return 'ok';
    this.#carrier.tick();
    if (this.#settled) return this.#apply();
    this.#settled = true;
    return this.#readFirst();
  }

  stop(): void {
    this.#carrier.stop();
    for (const { source } of this.#enrichments) source.stop();
    this.#area.remove();
    this.#devices.remove();
  }

  get #enrichments(): readonly Enrichment[] {
    return this.#details ? [...this.#profiling, this.#details] : this.#profiling;
  }

  async #readFirst(): Promise<ReadResult> {
    const { monotonicMs } = this.#context;
    const startMs = monotonicMs();
    const leftMs = (): number => Math.max(0, this.#firstReportMs - (monotonicMs() - startMs));
    await within(leftMs(), this.#carrier.settle(leftMs()));
    this.#apply();
    const used = this.#enrichments.filter((one) => this.#isUsed(one));
    await within(leftMs(), Promise.all(used.map(({ source }) => source.settle(leftMs()))));
    return this.#apply();
  }

  #apply(): ReadResult {
    const { state } = this.#carrier;
    if (state.kind === 'delivering') this.#applyReport(state.report);
    else this.#applyFailure(state);
    return 'ok';
  }

  #applyReport(report: GpuReport): void {
    const isNew = report !== this.#applied;
    this.#applied = report;
    const changed = isNew && this.#devices.carry(report.sheets);
    for (const one of this.#enrichments) {
      if (this.#isUsed(one)) one.tick(changed);
      else one.rest();
    }
    const readBy = this.#readBy();
    if (readBy) this.#area.delivers(report.sheets.length, readBy);
  }

  #applyFailure(state: Exclude<SourceState, { kind: 'delivering' }>): void {
    const reason: AbsenceReason = state.kind === 'failed' ? state.reason : 'timed_out';
    const isStuck = state.kind === 'stuck';
    this.#applied = undefined;
    for (const one of this.#enrichments) one.rest();
    if (this.#devices.size > 0) this.#area.loses(reason, isStuck);
    else this.#area.isMissing(reason, isStuck);
    this.#devices.silence(reason);
  }

  /** nvidia-smi's details are for who reads nvidia-smi; nobody adds to itself. */
  #isUsed(one: Enrichment): boolean {
    const carrying = this.#carrier.source?.name;
    return one === this.#details ? carrying === 'nvidia_smi' : one.source.name !== carrying;
  }

  #readBy(): ReadBy | undefined {
    const backend = this.#carrier.source?.name;
    if (backend === undefined) return undefined;
    const adding = this.#profiling.find(({ delivers }) => delivers)?.source.name;
    if (adding === 'dcgm_exporter' || adding === 'dcgmi') return { backend, profiling: adding };
    const counted = [...this.#devices.all].some((device) => device.level(smActive) !== undefined);
    if (!counted) return { backend, profiling: 'none' };
    return { backend, profiling: backend === 'dcgm_exporter' ? backend : 'gpm' };
  }
}

/** Waits for the work, but not for ever. */
async function within(timeoutMs: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs);
  });
  await Promise.race([work, timeout]);
  clearTimeout(timer);
}
