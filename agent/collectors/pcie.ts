// Errors on PCI Express: aer_dev_* of GPUs, network adapters, NVMe drives and the bridges above them.
// Documentation/ABI/testing/sysfs-bus-pci-devices-aer_stats. A kernel or bridge without the files counts none.
import { AreaPresence } from './area.ts';
import type { Collector, CollectorContext, Reader, ReadLane, ReadResult } from './collector.ts';
import { DeviceErrors } from './pcie/aer.ts';
import { findAerDevices, listPciDevices, type AerDevice } from './pcie/devices.ts';

export const pcie: Collector = { area: 'pcie', start: (context) => new PcieReader(context) };

class PcieReader implements Reader {
  readonly #context: CollectorContext;
  readonly #presence: AreaPresence;
  #listed: string | undefined;
  #hasPci = false;
  #devices: readonly DeviceErrors[] = [];

  constructor(context: CollectorContext) {
    this.#context = context;
    this.#presence = new AreaPresence('pcie', context);
  }

  discover(): void {
    const { tree } = this.#context;
    const paths = listPciDevices(tree);
    // Hundreds of devices that stay: what they are is asked again only when one came or went.
    const listed = paths.join();
    if (listed === this.#listed) return;
    this.#listed = listed;
    this.#hasPci = paths.length > 0;
    this.#replace(findAerDevices(tree, paths));
    // What is new has its values from the start.
    this.#read();
  }

  read(lane: ReadLane): ReadResult {
    if (lane !== 'slow') return 'ok';
    if (this.#read()) return 'ok';
    this.#listed = undefined;
    return 'rediscover';
  }

  stop(): void {
    this.#replace([]);
    this.#presence.remove();
  }

  #replace(found: readonly AerDevice[]): void {
    for (const device of this.#devices) device.remove();
    this.#devices = found.map((device) => new DeviceErrors(this.#context, device));
  }

  /** False if a device is gone. */
  #read(): boolean {
    const troubles = this.#devices.flatMap((device) => device.read() ?? []);
    const shows = this.#devices.some(({ hasSeries }) => hasSeries);
    const reason = troubles[0] ?? (this.#hasPci ? 'unsupported' : 'not_present');
    this.#presence.set(shows ? undefined : reason, 'no PCI device here counts its errors');
    return !troubles.includes('not_present');
  }
}
