// GPUs: which source carries the node, who adds to it, and the devices they fill. Sources: agent/sources/gpu-source.ts.
import type { AbsenceReason } from '#agent/contract';
import type { DcgmSwitch } from '../parse/gpu/dcgm-page.ts';
import type { GpuSheet } from '../parse/gpu/sheet.ts';
import type { GpuReport, SourceState } from '../sources/gpu-source.ts';
import type { Collector, CollectorContext, GpuProcesses, Reader, ReadLane, ReadResult } from './collector.ts';
import { GpuArea, type ReadBy } from './gpu/area.ts';
import { Carrier } from './gpu/carrier.ts';
import { GpuDevices } from './gpu/devices.ts';
import { Enrichment } from './gpu/enrichment.ts';
import { GpuEvents } from './gpu/events.ts';
import { FabricManager } from './gpu/fabric-manager.ts';
import { createSources, driverKinds } from './gpu/sources.ts';
import { ProfilingCheck } from './gpu/profiling-check.ts';
import { Switches } from './gpu/switches.ts';
import { GpuTopology } from './gpu/topology.ts';

/** The first reading waits this long for the first report, so that a single sample has its GPUs; less than any reading may take. */
const FIRST_REPORT_MS = 2500;
/** Values older than this many ticks are shown no more, even while their source may still come back. */
const FRESH_TICKS = 2.2;
const LEAST_FRESH_MS = 1000;

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
  readonly #topology: GpuTopology;
  readonly #events: GpuEvents;
  readonly #fabricManager: FabricManager;
  readonly #profilingCheck: ProfilingCheck;
  readonly #switches: Switches;
  readonly #switchesNow: () => readonly DcgmSwitch[];
  readonly #carrier: Carrier;
  readonly #details: Enrichment | undefined;
  readonly #profiling: readonly Enrichment[];
  #settled = false;
  #applied: GpuReport | undefined;
  #isSilent = false;

  constructor(context: CollectorContext, firstReportMs: number) {
    const { intervalMs, monotonicMs, commands, log } = context;
    this.#context = context;
    this.#firstReportMs = firstReportMs;
    this.#area = new GpuArea(context);
    this.#topology = new GpuTopology(context);
    this.#devices = new GpuDevices(context, (pciBusId) => this.#topology.numaNode(pciBusId));
    this.#events = new GpuEvents(context);
    this.#fabricManager = new FabricManager(context);
    this.#profilingCheck = new ProfilingCheck(context.snapshot);
    this.#switches = new Switches(context.snapshot);
    const { carriers, details, profiling, switches } = createSources(context, this.#events.take);
    this.#carrier = new Carrier({
      ...{ sources: carriers, intervalMs, monotonicMs, log },
      driverHangs: () => commands?.hangs(driverKinds) ?? false,
    });
    this.#switchesNow = switches;
    this.#details = details && new Enrichment(details, 'details', this.#devices);
    this.#profiling = profiling.map((source) => new Enrichment(source, 'profiling', this.#devices));
  }

  discover(): void {
    this.#findPlaces();
    this.#carrier.tick();
    if (!this.#carrier.source) this.#apply();
  }

  read(lane: ReadLane): ReadResult | Promise<ReadResult> {
    if (lane === 'slow') {
      this.#fabricManager.read();
      this.#switches.show(this.#switchesNow());
    }
    if (lane !== 'fast') return 'ok';
    if (!this.#carrier.source) return this.#readEvents();
    this.#carrier.tick();
    if (!this.#settled) return this.#readFirst();
    this.#apply();
    return this.#readEvents();
  }

  stop(): void {
    this.#carrier.stop();
    for (const { source } of this.#enrichments) source.stop();
    this.#events.stop();
    this.#topology.stop();
    this.#fabricManager.stop();
    this.#profilingCheck.stop();
    this.#switches.stop();
    this.#area.remove();
    this.#devices.remove();
  }

  get #enrichments(): readonly Enrichment[] {
    return this.#details ? [...this.#profiling, this.#details] : this.#profiling;
  }

  /** Where the GPUs stand on the bus, and who is near them. */
  #findPlaces(): void {
    const { identities } = this.#devices;
    this.#topology.discover(identities);
    this.#fabricManager.setSwitches(this.#topology.nvswitches());
    this.#events.setIdentities(identities);
  }

  async #readFirst(): Promise<ReadResult> {
    this.#settled = true;
    const { monotonicMs } = this.#context;
    const startMs = monotonicMs();
    const leftMs = (): number => Math.max(0, this.#firstReportMs - (monotonicMs() - startMs));
    await within(leftMs(), this.#carrier.settle(leftMs()));
    this.#apply();
    // Beside a source that does not deliver nobody has been asked.
    const delivers = this.#carrier.state.kind === 'delivering';
    const used = this.#enrichments.filter((one) => delivers && this.#isUsed(one));
    await within(leftMs(), Promise.all(used.map(({ source }) => source.settle(leftMs()))));
    this.#apply();
    return this.#readEvents();
  }

  #readEvents(): ReadResult {
    const hasGpus = this.#devices.size > 0 || this.#topology.expectedGpus() > 0;
    return hasGpus && this.#events.read() ? 'rediscover' : 'ok';
  }

  /** A source that is late or begins anew says nothing, but is not down yet: what stands still would look like no traffic. */
  #apply(): void {
    const { state } = this.#carrier;
    if (state.kind === 'delivering' && this.#isFresh(state.report)) this.#applyReport(state.report);
    else if (state.kind === 'delivering' || (state.kind === 'starting' && this.#applied)) this.#silence();
    else this.#applyFailure(state);
  }

  #isFresh({ atMs }: GpuReport): boolean {
    const { intervalMs, monotonicMs } = this.#context;
    return monotonicMs() - atMs <= Math.max(LEAST_FRESH_MS, FRESH_TICKS * intervalMs);
  }

  #silence(): void {
    this.#devices.silence('timed_out');
    this.#isSilent = true;
  }

  #applyReport(report: GpuReport): void {
    const isNew = report !== this.#applied;
    this.#applied = report;
    const changed = isNew && this.#devices.carry(report.sheets, this.#carrier.source?.name !== 'dcgm_exporter');
    if (changed) this.#findPlaces();
    for (const one of this.#enrichments) {
      if (this.#isUsed(one)) one.tick(changed || this.#isSilent);
      else one.rest();
    }
    this.#isSilent = false;
    if (isNew) this.#profilingCheck.look(report.atMs, this.#devices.all);
    if (isNew) this.#context.tellGpuProcesses?.(heldBy(report.sheets));
    const readBy = this.#readBy();
    if (readBy) this.#area.delivers(report.sheets.length, readBy);
  }

  #applyFailure(state: Exclude<SourceState, { kind: 'delivering' }>): void {
    const reason = this.#reasonOf(state);
    const isStuck = state.kind === 'stuck';
    this.#applied = undefined;
    for (const one of this.#enrichments) one.rest();
    if (this.#devices.size > 0) this.#area.loses(reason, isStuck);
    else this.#area.isMissing(reason, isStuck);
    this.#devices.silence(reason);
    this.#context.tellGpuProcesses?.([]);
  }

  /** GPUs that stand on the bus are there, whatever their driver says. */
  #reasonOf(state: Exclude<SourceState, { kind: 'delivering' }>): AbsenceReason {
    if (state.kind !== 'failed') return 'timed_out';
    return state.reason === 'not_present' && this.#topology.expectedGpus() > 0 ? 'unsupported' : state.reason;
  }

  /** nvidia-smi's details are for who reads nvidia-smi; nobody adds to itself. */
  #isUsed(one: Enrichment): boolean {
    const carrying = this.#carrier.source?.name;
    return one === this.#details ? carrying === 'nvidia_smi' : one.source.name !== carrying;
  }

  #readBy(): ReadBy | undefined {
    const backend = this.#carrier.source?.name;
    if (backend === undefined) return undefined;
    const by = [...this.#devices.all].map(({ profiledBy }) => profiledBy).find((layer) => layer !== undefined);
    if (by === undefined) return { backend, profiling: 'none' };
    const adding = this.#profiling.find(({ delivers }) => delivers)?.source.name;
    if (by === 'profiling' && (adding === 'dcgm_exporter' || adding === 'dcgmi')) return { backend, profiling: adding };
    return { backend, profiling: backend === 'dcgm_exporter' ? backend : 'gpm' };
  }
}

/** GPUs whose source tells their processes. */
function heldBy(sheets: readonly GpuSheet[]): readonly GpuProcesses[] {
  return sheets.flatMap(({ identity, loss, processes }) =>
    loss === undefined && processes ? [{ ...identity, pids: processes.map(({ pid }) => pid) }] : [],
  );
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
