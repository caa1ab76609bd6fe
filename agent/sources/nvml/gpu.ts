// One GPU: what it can be asked, found out when it appears and again from time to time, and read in three rhythms.
import type { GpuFacts, GpuIdentity } from '../../parse/gpu/sheet.ts';
import type { Group } from './columns.ts';
import { eccGroups } from './ecc.ts';
import { fabricGroup } from './fabric.ts';
import { FieldBatch } from './fields.ts';
import { gpmGroup, supportsGpm } from './gpm.ts';
import { readFacts, readIdentity, type DriverFacts } from './identity.ts';
import { fastLevels, slowLevels } from './levels.ts';
import { bar1Group, instanceMemoryGroup, memoryGroup } from './memory.ts';
import { findMigDevices, migModeGroup, type MigDevice } from './mig.ts';
import { linksOf, nvlinkByteFields, nvlinkErrorGroups, nvlinkSpeedFields, nvlinkStateGroups } from './nvlink.ts';
import { countsPcieBytes, pcieByteFields, pcieErrorFields, pcieRateGroups, Wraps } from './pcie.ts';
import { energyGroup, marginGroup, powerGroup, powerRangeGroup, temperatureFields, temperatureGroup } from './power.ts';
import { Processes } from './processes.ts';
import { Device } from './question.ts';
import { recoveryFields, remappedRowGroup, remapperBankGroup, retiredPageGroups } from './repairs.ts';
import { Section } from './section.ts';
import { countsByReason, throttleFields, throttleMaskGroup, violationGroups } from './throttle.ts';
import { utilizationGroup } from './utilization.ts';

/** Each tick; every 30 s; when its turn comes, because reading it blocks. */
export const rhythms = ['fast', 'slow', 'turn'] as const;
export type Rhythm = (typeof rhythms)[number];

export interface GpuOptions {
  readonly intervalMs: number;
  readonly monotonicMs: () => number;
}

interface Found {
  readonly links: readonly number[];
  readonly countsPcie: boolean;
  readonly processes: Processes;
}

export class Gpu {
  readonly device: Device;
  readonly identity: GpuIdentity;
  readonly facts: GpuFacts;
  instances: readonly MigDevice[] | undefined;
  sections: Readonly<Record<Rhythm, Section>> = { fast: new Section([]), slow: new Section([]), turn: new Section([]) };
  readonly #options: GpuOptions;
  readonly #wraps = new Wraps();
  #processes: Processes | undefined;

  constructor(device: Device, index: number, driver: DriverFacts, options: GpuOptions) {
    this.#options = options;
    this.device = device;
    this.identity = readIdentity(device, index);
    this.facts = readFacts(device, driver);
  }

  /** Finds out anew what there is to ask: what was refused is asked again. */
  discover(): void {
    const { device } = this;
    this.close();
    this.instances = findMigDevices(device);
    const links = linksOf(device);
    const countsPcie = countsPcieBytes(device, this.#options.intervalMs);
    this.#processes = new Processes(device);
    this.sections = {
      fast: new Section(this.#fastGroups({ links, countsPcie, processes: this.#processes })),
      slow: new Section(slowGroups(device, links)),
      turn: new Section(countsPcie ? [] : pcieRateGroups(device)),
    };
    this.sections.slow.read();
  }

  /** Whether instances were made or removed since the last discovery. */
  get hasChanged(): boolean {
    const key = (devices: readonly MigDevice[] = []): string =>
      devices.map(({ handle, mig_gi, mig_ci }) => `${handle}/${mig_gi}/${mig_ci}`).join();
    return key(findMigDevices(this.device)) !== key(this.instances);
  }

  describeProcesses(): ReturnType<Processes['describe']> {
    return this.#processes?.describe() ?? [];
  }

  close(): void {
    for (const rhythm of rhythms) this.sections[rhythm].close();
  }

  #fastGroups({ links, countsPcie, processes }: Found): readonly Group[] {
    const { device } = this;
    const byReason = countsByReason(device);
    const fields = [
      ...temperatureFields,
      ...(byReason ? throttleFields : []),
      ...pcieByteFields(countsPcie ? this.#wraps : undefined),
      ...nvlinkByteFields(device, links),
    ];
    return [
      utilizationGroup(device, this.#options.intervalMs),
      ...fastLevels(device),
      memoryGroup(device),
      bar1Group(device),
      powerGroup(device),
      energyGroup(device),
      temperatureGroup(device),
      throttleMaskGroup(device),
      ...(byReason ? [] : violationGroups(device)),
      processes,
      new FieldBatch(device, fields),
      ...this.#instanceGroups(),
      ...this.#gpmGroups(),
    ];
  }

  #instanceGroups(): readonly Group[] {
    return (this.instances ?? []).map(({ handle, mig_gi, mig_ci }) =>
      // What becomes of an instance says nothing of the whole GPU.
      instanceMemoryGroup(new Device(this.device.nvml, handle), { mig_gi, mig_ci }),
    );
  }

  /** GPM knows GPU instances; one with several compute instances is told once, without their number. */
  #gpmGroups(): readonly Group[] {
    const { device } = this;
    const { monotonicMs } = this.#options;
    if (!supportsGpm(device)) return [];
    const byGi = Map.groupBy(this.instances ?? [], ({ gi }) => gi);
    const groups = [...byGi].map(([gpuInstance, [only, ...others]]) => {
      const labels = { mig_gi: String(gpuInstance), mig_ci: others.length === 0 ? (only?.mig_ci ?? '') : '' };
      return gpmGroup({ device, monotonicMs, gpuInstance, labels });
    });
    return [gpmGroup({ device, monotonicMs, labels: {} }), ...groups].filter((group) => group !== undefined);
  }
}

function slowGroups(device: Device, links: readonly number[]): readonly Group[] {
  return [
    ...slowLevels(device),
    powerRangeGroup(device),
    marginGroup(device),
    ...eccGroups(device),
    ...retiredPageGroups(device),
    remappedRowGroup(device),
    remapperBankGroup(device),
    migModeGroup(device),
    fabricGroup(device),
    ...nvlinkStateGroups(device, links),
    ...nvlinkErrorGroups(device, links),
    new FieldBatch(device, [...recoveryFields, ...pcieErrorFields, ...nvlinkSpeedFields(device, links)]),
  ];
}
