// The GPUs of one node, told apart by UUID: an index shifts when a GPU is lost, a card may be swapped for another.
import type { AbsenceReason } from '#agent/contract';
import type { GpuIdentity, GpuSheet } from '../../parse/gpu/sheet.ts';
import type { Snapshot } from '../../snapshot.ts';
import type { CollectorContext } from '../collector.ts';
import { GpuDevice } from './device.ts';
import type { Layer } from './layer.ts';

interface DevicesContext {
  readonly snapshot: Snapshot;
  readonly gpuSources: Pick<CollectorContext['gpuSources'], 'processSeries'>;
}

/** Those that answer are always shown; lost ones only as long as there are no more than this. */
const MOST_GPUS = 256;

export class GpuDevices {
  readonly #context: DevicesContext;
  readonly #numaNodeOf: (pciBusId: string) => string;
  readonly #devices = new Map<string, GpuDevice>();

  constructor(context: DevicesContext, numaNodeOf: (pciBusId: string) => string) {
    this.#context = context;
    this.#numaNodeOf = numaNodeOf;
  }

  get size(): number {
    return this.#devices.size;
  }

  get all(): Iterable<GpuDevice> {
    return this.#devices.values();
  }

  get identities(): readonly GpuIdentity[] {
    return [...this.#devices.values()].map(({ identity }) => identity);
  }

  /**
   * What the carrier said of all GPUs. One that the driver no longer names does not answer; a page that does not name it says
   * nothing of it. True if a GPU came, went or changed its place.
   */
  carry(sheets: readonly GpuSheet[], isDriver: boolean): boolean {
    const seen = new Set<GpuDevice>();
    let changed = false;
    for (const sheet of sheets) {
      const before = this.#find(sheet.identity);
      // Told twice: the first holds, else the two would drive each other out on every tick.
      if (before && seen.has(before)) continue;
      const device = before && isSamePlace(before, sheet) ? before : this.#place(before, sheet);
      changed ||= device !== before;
      seen.add(device);
      if (sheet.loss === undefined) device.fill('carrier', sheet);
      else device.lose(sheet.loss, sheet.facts);
    }
    return this.#loseUnseen(seen, isDriver) || changed;
  }

  /** What another source adds. GPUs that the carrier does not know are not shown. */
  enrich(layer: Layer, sheets: readonly GpuSheet[]): void {
    for (const sheet of sheets) {
      if (sheet.loss === undefined) this.#find(sheet.identity)?.fill(layer, sheet);
    }
  }

  quiet(layer: Layer, reason: AbsenceReason): void {
    for (const device of this.#devices.values()) device.quiet(layer, reason);
  }

  release(layer: Layer): void {
    for (const device of this.#devices.values()) device.release(layer);
  }

  silence(reason: AbsenceReason): void {
    for (const device of this.#devices.values()) device.silence(reason);
  }

  remove(): void {
    for (const device of this.#devices.values()) device.remove();
    this.#devices.clear();
  }

  /** By UUID; a source that does not tell it is matched by the place on the bus, or else by the index. */
  #find({ uuid, pci_bus_id, gpu }: GpuIdentity): GpuDevice | undefined {
    if (uuid !== '') return this.#devices.get(uuid) ?? this.#devices.get(placeKey(pci_bus_id, gpu));
    const all = [...this.#devices.values()];
    if (pci_bus_id !== '') return all.find(({ identity }) => identity.pci_bus_id === pci_bus_id);
    return all.find(({ identity }) => identity.gpu === gpu);
  }

  #place(before: GpuDevice | undefined, { identity }: GpuSheet): GpuDevice {
    if (before) this.#remove(before);
    const device = new GpuDevice({
      snapshot: this.#context.snapshot,
      identity,
      numaNode: this.#numaNodeOf(identity.pci_bus_id),
      processSeries: this.#context.gpuSources.processSeries,
    });
    this.#devices.set(identity.uuid === '' ? placeKey(identity.pci_bus_id, identity.gpu) : identity.uuid, device);
    return device;
  }

  /** True if one is not there any more: its place is another's, or there are too many to keep those that were lost first. */
  #loseUnseen(seen: ReadonlySet<GpuDevice>, isDriver: boolean): boolean {
    const unseen = [...this.#devices.values()].filter((device) => !seen.has(device));
    if (unseen.length === 0) return false;
    const surplus = this.#devices.size - MOST_GPUS;
    const gone = new Set(unseen.filter((device, index) => index < surplus || [...seen].some(isInPlaceOf(device))));
    for (const device of unseen) {
      if (gone.has(device)) this.#remove(device);
      else if (isDriver) device.lose('not_present');
      else device.silence('not_present');
    }
    return gone.size > 0;
  }

  #remove(device: GpuDevice): void {
    device.remove();
    for (const [key, one] of this.#devices) if (one === device) this.#devices.delete(key);
  }
}

/** A GPU that does not answer keeps what it was, except its index; what is not told does not differ. */
function isSamePlace({ identity }: GpuDevice, { identity: told }: GpuSheet): boolean {
  return (['gpu', 'uuid', 'pci_bus_id'] as const).every(
    (label) => told[label] === '' || told[label] === identity[label],
  );
}

/** The card was swapped for another, or has told its UUID now. */
function isInPlaceOf({ identity: old }: GpuDevice): (device: GpuDevice) => boolean {
  return ({ identity: { gpu, pci_bus_id } }) =>
    old.pci_bus_id === '' ? old.uuid === '' && old.gpu === gpu : old.pci_bus_id === pci_bus_id;
}

function placeKey(pciBusId: string, gpu: string): string {
  return `${gpu} ${pciBusId}`;
}
