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
    if (listed !== this.#listed) this.#replace(findAerDevices(tree, paths));
    this.#listed = listed;
    const reason = paths.length === 0 ? 'not_present' : 'unsupported';
    this.#presence.set(this.#devices.length > 0 ? undefined : reason, 'no PCI device here counts its errors');
  }

  read(lane: ReadLane): ReadResult {
    if (lane !== 'slow') return 'ok';
    const there = this.#devices.map((device) => device.read());
    if (!there.includes(false)) return 'ok';
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
    // What is new has its values from the start.
    for (const device of this.#devices) device.read();
  }
}
