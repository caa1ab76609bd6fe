// Which GPUs there are. One that is lost keeps its place and identity until it is found again.
import type { AbsenceReason } from '#agent/contract';
import type { GpuFacts, GpuIdentity } from '../../parse/gpu/sheet.ts';
import { Gpu, type GpuOptions } from './gpu.ts';
import { readDriverFacts, unknownFacts, type DriverFacts } from './identity.ts';
import type { NvmlLibrary } from './library.ts';
import { Device } from './question.ts';
import { absenceOf, SUCCESS } from './return-codes.ts';

/** A GPU, or the place of one that is gone. */
export interface Slot {
  readonly identity: GpuIdentity;
  readonly facts: GpuFacts;
  readonly gpu: Gpu | undefined;
}

export class Roster {
  slots: readonly Slot[] = [];
  /** The last code of asking for GPUs that was not a success. */
  failure: number | undefined;
  readonly #nvml: NvmlLibrary;
  readonly #options: GpuOptions;
  readonly #memory = Buffer.alloc(8);
  #count = -1;

  constructor(nvml: NvmlLibrary, options: GpuOptions) {
    this.#nvml = nvml;
    this.#options = options;
  }

  /** Looks again; without a loss or a change that is one cheap call. True if the GPUs are others now. */
  refresh(mustLook: boolean): boolean {
    const count = this.#askCount();
    const isComplete = this.slots.every(({ gpu }) => gpu?.device.loss === undefined && gpu !== undefined);
    if (count === undefined || (!mustLook && isComplete && count === this.#count)) return false;
    this.#count = count;
    this.#look(count);
    return true;
  }

  get gpus(): readonly Gpu[] {
    return this.slots.flatMap(({ gpu }) => gpu ?? []);
  }

  #askCount(): number | undefined {
    const code = this.#nvml.bind('nvmlDeviceGetCount_v2')(this.#memory);
    this.failure = code === SUCCESS ? undefined : code;
    return code === SUCCESS ? this.#memory.readUInt32LE(0) : undefined;
  }

  #look(count: number): void {
    const driver = readDriverFacts(this.#nvml);
    const before = this.slots;
    const found = Array.from({ length: count }, (_, index) => this.#slotAt(index, driver));
    const isFound = ({ identity }: Slot): boolean => found.some((slot) => isSame(slot.identity, identity));
    // One that has lost its handle is known by its place alone: the one that stood there before is meant.
    const named = found.map((slot, index) => {
      const old = before[index];
      return slot.identity.uuid === '' && old && !isFound(old) ? { ...old, gpu: slot.gpu } : slot;
    });
    const gone = before.filter(
      (slot) => slot.identity.uuid !== '' && !named.some((other) => isSame(other.identity, slot.identity)),
    );
    this.slots = [...named, ...gone.map((slot) => ({ ...slot, gpu: undefined }))];
    const kept = new Set(this.gpus);
    for (const { gpu } of before) if (gpu && !kept.has(gpu)) gpu.close();
  }

  /** A GPU that answered and still has its handle stays as it is. */
  #slotAt(index: number, driver: DriverFacts): Slot {
    const code = this.#nvml.bind('nvmlDeviceGetHandleByIndex_v2')(index, this.#memory);
    const unknown = { gpu: String(index), uuid: '', pci_bus_id: '' };
    if (code !== SUCCESS) return { identity: unknown, facts: unknownFacts(driver), gpu: undefined };
    const handle = this.#memory.readBigUInt64LE(0);
    const old = this.gpus.find(({ device, identity }) => device.handle === handle && identity.gpu === String(index));
    if (old?.device.loss === undefined && old) return { identity: old.identity, facts: old.facts, gpu: old };
    const gpu = new Gpu(new Device(this.#nvml, handle), index, driver, this.#options);
    if (gpu.device.loss === undefined) gpu.discover();
    return { identity: gpu.identity, facts: gpu.facts, gpu };
  }
}

function isSame(a: GpuIdentity, b: GpuIdentity): boolean {
  return a.uuid === b.uuid && a.uuid !== '';
}

export function lossOf({ gpu }: Slot): AbsenceReason | undefined {
  if (!gpu) return 'not_present';
  return gpu.device.loss === undefined ? undefined : absenceOf(gpu.device.loss);
}
