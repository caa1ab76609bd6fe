// GPUs through a looping nvidia-smi. Authority: nvidia-smi(1), knowledge of its odd values in agent/parse/nvidia-smi-value.ts.
import { isAbsent, type Absence, type AbsenceReason } from '#agent/contract';
import type { NvidiaSmiRow } from '../parse/nvidia-smi-csv.ts';
import { sysfsPciAddress } from '../parse/pci.ts';
import { NvidiaSmi, type Tick } from '../sources/nvidia-smi.ts';
import type { Collector, CollectorContext, Reader, ReadLane, ReadResult } from './collector.ts';
import { GpuArea } from './gpu/area.ts';
import { GpuDevice, identityOf, lossOf, shapeOf, signatureOf } from './gpu/device.ts';
import { coreFields, queryFields } from './gpu/fields.ts';

/** The first reading waits this long for the first tick, so that a single sample has its GPUs; less than any reading may take. */
const FIRST_TICK_MS = 2500;
const PROCESSES_EVERY_MS = 10_000;

export const gpu: Collector = {
  area: 'gpu',
  start: (context) => startGpu(context, FIRST_TICK_MS),
};

export function startGpu(context: CollectorContext, firstTickMs: number): Reader {
  const { commands, nvidiaSmi: file } = context;
  if (!commands || file === undefined) return new NoGpu(context);
  return new GpuReader(
    context,
    new NvidiaSmi({ ...context, commands, file, fields: queryFields, coreFields }),
    firstTickMs,
  );
}

/** Nothing here could be asked for GPUs. */
class NoGpu implements Reader {
  readonly #area: GpuArea;

  constructor(context: CollectorContext) {
    this.#area = new GpuArea(context);
  }

  discover(): void {
    this.#area.isMissing('not_present');
  }

  read(): ReadResult {
    return 'ok';
  }

  stop(): void {
    this.#area.remove();
  }
}

class GpuReader implements Reader {
  readonly #context: CollectorContext;
  readonly #source: NvidiaSmi;
  readonly #area: GpuArea;
  readonly #devices = new Map<string, GpuDevice>();
  readonly #firstTickMs: number;
  #settled = false;
  #applied: Tick | undefined;
  #processes: ReadonlyMap<string, number> | Absence | undefined;
  #processesAskedMs = Number.NEGATIVE_INFINITY;

  constructor(context: CollectorContext, source: NvidiaSmi, firstTickMs: number) {
    this.#context = context;
    this.#source = source;
    this.#firstTickMs = firstTickMs;
    this.#area = new GpuArea(context);
  }

  discover(): void {
    this.#source.keepRunning();
  }

  read(lane: ReadLane): ReadResult | Promise<ReadResult> {
    if (lane === 'medium') void this.#askProcesses();
    if (lane !== 'fast') return 'ok';
    this.#source.keepRunning();
    if (this.#settled) return this.#apply();
    this.#settled = true;
    return this.#readFirst();
  }

  stop(): void {
    this.#source.stop();
    this.#area.remove();
    for (const device of this.#devices.values()) device.remove();
    this.#devices.clear();
  }

  async #readFirst(): Promise<ReadResult> {
    await within(this.#firstTickMs, this.#settle());
    return this.#apply();
  }

  async #settle(): Promise<void> {
    await this.#source.settle(this.#firstTickMs);
    await this.#askProcesses();
  }

  #apply(): ReadResult {
    const { state } = this.#source;
    switch (state.kind) {
      case 'ticking':
        if (state.tick !== this.#applied) this.#applyTick(state.tick);
        break;
      case 'failed':
        this.#applyFailure(state.reason);
        break;
      case 'starting':
        this.#applyFailure('timed_out');
        break;
    }
    return 'ok';
  }

  #applyTick(tick: Tick): void {
    this.#applied = tick;
    this.#area.delivers(tick.rows.length);
    const seen = new Set(tick.rows.map((row) => this.#applyRow(row)));
    for (const [key, device] of this.#devices) {
      if (!seen.has(key)) device.lose('not_present');
    }
    this.#applyProcesses();
  }

  /** Fills the GPU of this row and tells its key. */
  #applyRow(row: NvidiaSmiRow): string {
    const key = this.#keyOf(row);
    const loss = lossOf(row);
    const device = this.#deviceOf(key, row, loss);
    if (loss === undefined) device.fill(row);
    else device.lose(loss);
    return key;
  }

  #deviceOf(key: string, row: NvidiaSmiRow, loss: AbsenceReason | undefined): GpuDevice {
    const known = this.#devices.get(key);
    // A GPU that does not answer keeps what it was; only its place may have changed.
    if (known && loss !== undefined && known.identity.gpu === identityOf(row).gpu) return known;
    if (known && !known.isLost && known.shape === shapeOf(row)) return known;
    const numaNode = this.#numaNodeOf(row);
    if (known?.signature === signatureOf(row, numaNode)) {
      known.shape = shapeOf(row);
      return known;
    }
    known?.remove();
    const device = new GpuDevice(this.#context.snapshot, row, numaNode);
    this.#devices.set(key, device);
    return device;
  }

  /** The UUID; without one the place on the bus. */
  #keyOf(row: NvidiaSmiRow): string {
    const { uuid, pci_bus_id, gpu: index } = identityOf(row);
    if (uuid !== '') return uuid;
    const known = [...this.#devices].find(([, device]) => device.identity.pci_bus_id === pci_bus_id);
    return known?.[0] ?? `${index} ${pci_bus_id}`;
  }

  #numaNodeOf(row: NvidiaSmiRow): string {
    const address = sysfsPciAddress(identityOf(row).pci_bus_id);
    const node =
      address === undefined ? undefined : this.#context.tree.word(`sys/bus/pci/devices/${address}/numa_node`);
    return node === undefined || node === '-1' ? '' : node;
  }

  #applyFailure(reason: AbsenceReason): void {
    this.#applied = undefined;
    this.#processes = undefined;
    if (this.#devices.size > 0) this.#area.loses(reason);
    else this.#area.isMissing(reason);
    for (const device of this.#devices.values()) device.silence(reason);
  }

  async #askProcesses(): Promise<void> {
    const now = this.#context.monotonicMs();
    // Half an interval of slack: the lane's clock and this one need not agree.
    if (this.#source.state.kind !== 'ticking' || now - this.#processesAskedMs < PROCESSES_EVERY_MS - 500) return;
    this.#processesAskedMs = now;
    this.#processes = await this.#source.countProcesses();
    this.#applyProcesses();
  }

  #applyProcesses(): void {
    const counts = this.#processes;
    if (counts === undefined || this.#source.state.kind !== 'ticking') return;
    for (const device of this.#devices.values()) {
      if (device.isLost) continue;
      if (isAbsent(counts)) device.processes.absent(counts.reason);
      else device.processes.set(counts.get(device.identity.uuid) ?? 0);
    }
  }
}

/** Waits for the work, but not for ever. */
async function within(timeoutMs: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs);
  });
  await Promise.race([work, timeout]);
  clearTimeout(timer);
}
