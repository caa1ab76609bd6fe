// The reader's ticks: each GPU's fast section every time, its slow section once in 30 s, each at its own moment, and
// what blocks for one GPU at a time. The child process prints what this returns.
import type { AbsenceReason } from '#agent/contract';
import type { Cell, Column } from './columns.ts';
import { rhythms, type Gpu, type Rhythm } from './gpu.ts';
import type { NvmlLibrary } from './library.ts';
import type { LayoutLine, ReaderOptions, ValuesLine } from './lines.ts';
import { absenceOf, GPU_NOT_FOUND, nameOfCode, SUCCESS } from './return-codes.ts';
import { lossOf, Roster } from './roster.ts';

const SLOW_MS = 30_000;
const LOOK_AGAIN_MS = 30_000;
/** What was not supported is asked again after this time: drivers are reconfigured without a restart. */
const DISCOVER_AGAIN_MS = 600_000;
const PROCESSES_MS = 5000;
/** A layout whose line was torn must not stay unknown. */
const REPEAT_LAYOUT_MS = 60_000;

/** The driver answers nobody any more: the child has to end. */
export class DriverGone extends Error {
  override readonly name = 'DriverGone';
  readonly reason: AbsenceReason;

  constructor(code: number, during: string) {
    super(`${during}: NVML answers ${nameOfCode(code)}`);
    this.reason = absenceOf(code);
  }
}

type Options = ReaderOptions & { readonly monotonicMs: () => number };

export class Reader {
  readonly roster: Roster;
  readonly #options: Options;
  readonly #discoveredMs = new WeakMap<Gpu, number>();
  #tick = -1;
  #lookedMs = 0;
  #lookSoon = false;
  #layout = 0;
  #layoutText = '';
  #layoutMs = Number.NEGATIVE_INFINITY;
  #mayDiffer = true;

  constructor(nvml: NvmlLibrary, options: Options) {
    this.#options = options;
    const code = nvml.bind('nvmlInit_v2')();
    if (code !== SUCCESS) throw new DriverGone(code, 'nvmlInit');
    this.roster = new Roster(nvml, options);
    this.#look();
    if (this.roster.failure !== undefined) throw new DriverGone(this.roster.failure, 'nvmlDeviceGetCount');
    if (this.roster.slots.length === 0) throw new DriverGone(GPU_NOT_FOUND, 'nvmlDeviceGetCount');
  }

  /** A GPU may have gone: looks again at the next tick. */
  lookSoon(): void {
    this.#lookSoon = true;
  }

  /** The lines of one tick. */
  tick(): readonly string[] {
    this.#tick++;
    const nowMs = this.#options.monotonicMs();
    if (this.#lookSoon || nowMs - this.#lookedMs >= LOOK_AGAIN_MS) this.#look();
    const layout = this.#layoutLines(nowMs);
    const values = this.#readDue(layout.isOther);
    this.#endIfDriverIsGone();
    const line: ValuesLine = {
      tick: this.#tick,
      layout: this.#layout,
      values,
      losses: this.#losses(),
      ...this.#describeProcesses(),
    };
    this.#discoverOne(nowMs);
    return [...layout.lines, JSON.stringify(line)];
  }

  #look(): void {
    const mustLook = this.#lookSoon;
    this.#lookSoon = false;
    this.#lookedMs = this.#options.monotonicMs();
    if (!this.roster.refresh(mustLook)) return;
    this.#mayDiffer = true;
    for (const gpu of this.roster.gpus) if (!this.#discoveredMs.has(gpu)) this.#discoveredMs.set(gpu, this.#lookedMs);
  }

  #losses(): ValuesLine['losses'] {
    return this.roster.slots.flatMap((slot, index) => {
      const reason = lossOf(slot);
      return reason === undefined ? [] : [[index, reason] as const];
    });
  }

  /** Under a new layout what was read before is told again. */
  #readDue(tellAll: boolean): ValuesLine['values'] {
    const values: [number, number, readonly Cell[]][] = [];
    for (const [index, { gpu }] of this.roster.slots.entries()) {
      if (!gpu) continue;
      for (const [section, rhythm] of rhythms.entries()) {
        const row = gpu.sections[rhythm];
        const isDue = this.#isDue(rhythm, index);
        if (isDue && gpu.device.loss === undefined) row.read();
        if (row.cells.length > 0 && (isDue || tellAll)) values.push([index, section, row.cells]);
      }
    }
    return values.filter(([index]) => this.roster.slots[index]?.gpu?.device.loss === undefined);
  }

  #isDue(rhythm: Rhythm, index: number): boolean {
    switch (rhythm) {
      case 'fast':
        return true;
      case 'slow':
        return index % this.#ticksPer(SLOW_MS) === this.#tick % this.#ticksPer(SLOW_MS);
      case 'turn':
        return index === this.#tick % this.roster.slots.length;
    }
  }

  #ticksPer(periodMs: number): number {
    return Math.max(1, Math.round(periodMs / this.#options.intervalMs));
  }

  #describeProcesses(): Pick<ValuesLine, 'processes'> {
    if (!this.#options.processes || this.#tick % this.#ticksPer(PROCESSES_MS) !== 0) return {};
    return {
      processes: this.roster.slots.flatMap(({ gpu }, index) =>
        gpu && gpu.device.loss === undefined ? [[index, gpu.describeProcesses()] as const] : [],
      ),
    };
  }

  /** One code like this may be a whim of one function; nothing else from any GPU is the driver's end. */
  #endIfDriverIsGone(): void {
    const devices = this.roster.gpus.map(({ device }) => device);
    const answers = devices.reduce((sum, device) => sum + device.answers, 0);
    const gone = devices.find(({ driverGone }) => driverGone !== undefined)?.driverGone ?? this.roster.failure;
    for (const device of devices) {
      device.answers = 0;
      device.driverGone = undefined;
    }
    if (answers === 0 && gone !== undefined) throw new DriverGone(gone, 'reading');
  }

  /** At most one GPU is found out anew between two ticks, so that none is long. */
  #discoverOne(nowMs: number): void {
    const ofTick = this.roster.slots[this.#tick % this.#ticksPer(SLOW_MS)]?.gpu;
    const due = this.roster.gpus.find((gpu) => nowMs - (this.#discoveredMs.get(gpu) ?? nowMs) >= DISCOVER_AGAIN_MS);
    const gpu = due ?? (ofTick?.instances !== undefined && ofTick.hasChanged ? ofTick : undefined);
    if (!gpu || gpu.device.loss !== undefined) return;
    gpu.discover();
    this.#discoveredMs.set(gpu, nowMs);
    this.#mayDiffer = true;
  }

  #layoutLines(nowMs: number): { readonly lines: readonly string[]; readonly isOther: boolean } {
    const text = this.#mayDiffer ? JSON.stringify(describeLayout(this.roster)) : this.#layoutText;
    this.#mayDiffer = false;
    const isOther = text !== this.#layoutText;
    if (!isOther && nowMs - this.#layoutMs < REPEAT_LAYOUT_MS) return { lines: [], isOther };
    if (isOther) this.#layout++;
    this.#layoutText = text;
    this.#layoutMs = nowMs;
    return { lines: [`{"layout":${this.#layout},${text.slice(1)}`], isOther };
  }
}

function describeLayout({ slots }: Roster): Omit<LayoutLine, 'layout'> {
  const places = new Map<string, number>();
  const columnSets: (readonly Column[])[] = [];
  const placeOf = (columns: readonly Column[]): number => {
    const key = JSON.stringify(columns);
    const known = places.get(key) ?? columnSets.push(columns) - 1;
    places.set(key, known);
    return known;
  };
  const gpus = slots.map(({ identity, facts, gpu }) => ({
    identity,
    facts,
    sections: rhythms.map((rhythm) => placeOf(gpu?.sections[rhythm].columns ?? [])),
    ...(gpu?.instances === undefined
      ? {}
      : { instances: gpu.instances.map(({ mig_gi, mig_ci, profile }) => ({ mig_gi, mig_ci, profile })) }),
  }));
  return { gpus, columnSets };
}
