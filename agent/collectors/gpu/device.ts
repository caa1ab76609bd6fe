// The series of one GPU, filled from the sheets of several sources: a column belongs to the best source that has a value for it.
import { isAbsent, PRESENT, type AbsenceReason } from '#agent/contract';
import {
  noFacts,
  type GpuColumn,
  type GpuFacts,
  type GpuIdentity,
  type GpuSheet,
  type GpuValue,
  type GpuValueId,
} from '../../parse/gpu/sheet.ts';
import type { GaugeSeries, SeriesGroup, Snapshot } from '../../snapshot.ts';
import { InstanceSeries } from './instances.ts';
import { layers, type Layer } from './layer.ts';
import { ProcessSeries } from './processes.ts';
import { addSeries, setSeries, type ValueSeries } from './value-series.ts';

/** Several times what a GPU with 18 links and 7 instances has; what a source tells beyond it is not shown. */
const MOST_SERIES = 2048;

const rankOf = (layer: Layer): number => layers.indexOf(layer);

/** A measured rate and the counter of the same traffic: only the one that is read more often is shown, else the counter. */
const rivals: ReadonlyMap<GpuValueId, GpuValueId> = new Map(
  (['pcie_tx', 'pcie_rx', 'nvlink_tx', 'nvlink_rx'] as const).flatMap((traffic): [GpuValueId, GpuValueId][] => [
    [`gpu_${traffic}_bytes_per_second`, `gpu_${traffic}_bytes_total`],
    [`gpu_${traffic}_bytes_total`, `gpu_${traffic}_bytes_per_second`],
  ]),
);

/** What only profiling counts, of the whole GPU or of its instances. */
const profiled: readonly GpuValueId[] = ['gpu_graphics_engine_active_ratio', 'gpu_sm_active_ratio'];
const looked: ReadonlySet<GpuValueId> = new Set([...rivals.keys(), ...profiled]);

const factNames = ['name', 'driver', 'vbios', 'serial', 'cuda', 'arch'] as const satisfies readonly (keyof GpuFacts)[];

interface Cell {
  readonly series: ValueSeries;
  layer: Layer;
  /** The sheet that last had it. */
  seen: GpuSheet;
}

export interface DeviceOptions {
  readonly snapshot: Snapshot;
  readonly identity: GpuIdentity;
  readonly numaNode: string;
  readonly processSeries: boolean;
}

export class GpuDevice {
  readonly identity: GpuIdentity;
  readonly #options: DeviceOptions;
  readonly #about: SeriesGroup;
  readonly #group: SeriesGroup;
  readonly #up: GaugeSeries<'boolean'>;
  readonly #instances: InstanceSeries;
  readonly #processes: ProcessSeries;
  readonly #cells = new Map<GpuColumn, Cell>();
  /** The cells of those metrics that are looked for, by metric. */
  readonly #byMetric = new Map<GpuValueId, Set<Cell>>();
  readonly #facts = new Map<Layer, GpuFacts>();
  #told = '';
  #lost: SeriesGroup | undefined;

  constructor(options: DeviceOptions) {
    const { snapshot, identity } = options;
    this.identity = identity;
    this.#options = options;
    this.#about = snapshot.group();
    this.#group = snapshot.group();
    this.#up = this.#group.gauge('gpu_up', { ...identity });
    this.#instances = new InstanceSeries(snapshot, identity);
    this.#processes = new ProcessSeries(snapshot, identity);
  }

  get isLost(): boolean {
    return this.#lost !== undefined;
  }

  /** What a source has just said of this GPU, which answers. */
  fill(layer: Layer, sheet: GpuSheet): void {
    if (layer === 'carrier') {
      this.#find();
      this.#up.set(1);
      this.#processes.show(this.#options.processSeries ? sheet.processes : []);
    } else if (this.isLost) {
      return;
    }
    this.#learn(layer, sheet.facts);
    this.#instances.tell(layer, sheet.instances);
    for (const value of sheet.values) this.#put(layer, sheet, value);
    this.#drop((cell) => cell.layer === layer && cell.seen !== sheet);
  }

  /** The GPU does not answer while the driver does. It keeps what it was, or is what can be told of it. */
  lose(reason: AbsenceReason, facts?: GpuFacts): void {
    if (facts && !this.#facts.has('carrier')) this.#learn('carrier', facts);
    this.#group.absent(reason);
    this.#processes.show([]);
    this.#up.set(0);
    if (this.#lost) return;
    this.#lost = this.#options.snapshot.group();
    this.#lost.unavailable('gpu', this.identity.gpu, reason);
  }

  /** Nobody answers: whether the GPU is up is not known either. */
  silence(reason: AbsenceReason): void {
    this.#find();
    this.#group.absent(reason);
    this.#processes.show([]);
  }

  /** A source besides the carrier has fallen silent. */
  quiet(layer: Layer, reason: AbsenceReason): void {
    for (const cell of this.#cells.values()) if (cell.layer === layer) cell.series.absent(reason);
  }

  /** A source is not used any more. */
  release(layer: Layer): void {
    if (this.#facts.delete(layer)) this.#describe();
    this.#instances.tell(layer, undefined);
    this.#drop((cell) => cell.layer === layer);
  }

  /** Who counts what only profiling counts; undefined while nobody does. */
  get profiledBy(): Layer | undefined {
    for (const id of profiled) {
      for (const { series, layer } of this.#cellsOf(id)) if (series.state === PRESENT) return layer;
    }
    return undefined;
  }

  /** Whether somebody tells it, with a value or without one. */
  has(column: GpuColumn): boolean {
    return this.#cells.has(column);
  }

  /** In base units; undefined while there is no value. */
  level(column: GpuColumn): number | undefined {
    const series = this.#cells.get(column)?.series;
    return series?.state === PRESENT ? Number(series.steps) / series.row.scale : undefined;
  }

  remove(): void {
    this.#find();
    this.#instances.remove();
    this.#processes.remove();
    this.#options.snapshot.remove(this.#about);
    this.#options.snapshot.remove(this.#group);
  }

  #put(layer: Layer, sheet: GpuSheet, { column: told, value }: GpuValue): void {
    const column = this.#instances.columnFor(told);
    const known = this.#cells.get(column);
    if (known && known.layer !== layer && !takesOver(layer, value, known)) return;
    if (this.#isRivalled(layer, column.id)) return;
    if (!known && this.#cells.size >= MOST_SERIES) return;
    const cell = known ?? this.#add(layer, sheet, column);
    cell.layer = layer;
    cell.seen = sheet;
    if (isAbsent(value)) cell.series.absent(value.reason);
    else setSeries(cell.series, value);
  }

  #add(layer: Layer, sheet: GpuSheet, column: GpuColumn): Cell {
    const cell: Cell = { series: addSeries(this.#group, this.identity, column), layer, seen: sheet };
    this.#cells.set(column, cell);
    if (looked.has(column.id)) this.#cellsOf(column.id).add(cell);
    return cell;
  }

  /** Whether the same traffic is known in its other form from a better source, or as a counter from the same one. */
  #isRivalled(layer: Layer, id: GpuValueId): boolean {
    const rival = rivals.get(id);
    if (rival === undefined) return false;
    const worst = rankOf(layer) - (id.endsWith('_per_second') ? 0 : 1);
    for (const cell of this.#cellsOf(rival)) {
      if (cell.series.state === PRESENT && rankOf(cell.layer) <= worst) return true;
    }
    return false;
  }

  #cellsOf(id: GpuValueId): Set<Cell> {
    let cells = this.#byMetric.get(id);
    if (!cells) this.#byMetric.set(id, (cells = new Set()));
    return cells;
  }

  /** Goes over all cells on every tick, and nearly always finds none: it makes nothing then. */
  #drop(isGone: (cell: Cell) => boolean): void {
    let gone: Set<ValueSeries> | undefined;
    for (const [column, cell] of this.#cells) {
      if (!isGone(cell)) continue;
      this.#cells.delete(column);
      this.#byMetric.get(column.id)?.delete(cell);
      (gone ??= new Set()).add(cell.series);
    }
    if (gone) this.#group.drop(gone);
  }

  #learn(layer: Layer, facts: GpuFacts): void {
    if (this.#facts.get(layer) === facts) return;
    this.#facts.set(layer, facts);
    this.#describe();
  }

  #describe(): void {
    const known = layers.flatMap((one) => this.#facts.get(one) ?? []);
    const told = known.reduce((better, more) => ({ ...more, ...definedOf(better) }), noFacts);
    const text = factNames.map((name) => told[name]).join('\0');
    if (text === this.#told) return;
    this.#told = text;
    this.#about.clear();
    this.#about.info('gpu_info', { ...this.identity, ...told, numa_node: this.#options.numaNode });
  }

  #find(): void {
    if (!this.#lost) return;
    this.#options.snapshot.remove(this.#lost);
    this.#lost = undefined;
  }
}

/** A better source takes a column over as soon as it has a value, a lesser one only while the better has none. */
function takesOver(layer: Layer, value: GpuValue['value'], { series, layer: owner }: Cell): boolean {
  if (isAbsent(value)) return series.state !== PRESENT && rankOf(layer) < rankOf(owner);
  return series.state !== PRESENT || rankOf(layer) < rankOf(owner);
}

function definedOf(facts: GpuFacts): Partial<GpuFacts> {
  return Object.fromEntries(Object.entries(facts).filter(([, text]) => text !== ''));
}
