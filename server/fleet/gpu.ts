// One GPU of the fleet: who it is, where its series are, and its account. It outlives the series when it vanishes.
import type { AbsenceReason } from '#agent/contract';
import type { Outage } from '#server/contract';
import type { GpuReading } from '../diagnosis/first-verdict.ts';
import { findOutage, isFault, type FoundOutage } from '../diagnosis/outage.ts';
import type { GpuAccount } from '../ledger/account.ts';
import type { FleetNode } from './node.ts';
import { OutageWatch } from './outage-watch.ts';
import type { GpuSeries, XidSeries } from './schema.ts';

export class FleetGpu {
  readonly node: FleetNode;
  readonly gpu: string;
  readonly uuid: string;
  readonly account: GpuAccount;
  pciBusId = '';
  name = '';
  #series: GpuSeries | undefined;
  readonly #outage = new OutageWatch();

  constructor(node: FleetNode, series: GpuSeries, account: GpuAccount) {
    this.node = node;
    this.gpu = series.gpu;
    this.uuid = series.uuid;
    this.account = account;
    this.show(series);
  }

  /** The series it has now; undefined when the node no longer shows it. True if its name or address changed. */
  show(series: GpuSeries | undefined): boolean {
    this.#series = series;
    if (!series) return false;
    const changed = this.name !== series.name || this.pciBusId !== series.pciBusId;
    this.name = series.name;
    this.pciBusId = series.pciBusId;
    return changed;
  }

  get vanished(): boolean {
    return this.#series === undefined;
  }
  /** The readings below are those of the newest frame; NaN where there is none. */
  get utilization(): number {
    return this.node.level(this.#series?.utilization);
  }
  get memoryUsed(): number {
    return this.node.level(this.#series?.memoryUsed);
  }
  get memoryTotal(): number {
    return this.node.level(this.#series?.memoryTotal);
  }
  get power(): number {
    return this.node.level(this.#series?.power);
  }
  get temperature(): number {
    return this.node.level(this.#series?.temperature);
  }
  /** Of all kinds that can be counted. */
  get processes(): number {
    let sum = NaN;
    for (const series of this.#series?.processes ?? []) {
      const count = this.node.level(series);
      if (!Number.isNaN(count)) sum = Number.isNaN(sum) ? count : sum + count;
    }
    return sum;
  }

  /** Why it had no readings in the newest frame. */
  get outage(): Outage | undefined {
    return this.#outage.current;
  }
  get xids(): readonly XidSeries[] {
    return this.#series?.xids ?? [];
  }

  /** What the newest frame says for the verdict; nothing where it could not be seen what the GPU does. */
  take(nowMs: number): GpuReading | undefined {
    const found = this.#findOutage(nowMs);
    this.#outage.update(found, nowMs);
    if (found) return isFault(found.kind) ? { kind: 'fault' } : undefined;
    // Under MIG there is no utilisation of the whole GPU, but maybe a profiling counter that says the same.
    const { utilization } = this;
    const busy = Number.isNaN(utilization) ? this.node.level(this.#series?.engineActive) : utilization;
    if (Number.isNaN(busy)) return undefined;
    return { kind: 'usage', busy, processes: this.processes, memoryUsedBytes: this.memoryUsed };
  }

  #findOutage(nowMs: number): FoundOutage | undefined {
    const { node } = this;
    if (!this.#series) {
      const ofNode = node.readerOutage(nowMs);
      return ofNode && isFault(ofNode.kind) ? ofNode : { kind: 'not_read', reason: 'not_present' };
    }
    const { up, stuck } = node.schema.reader;
    return findOutage({
      readerUp: node.level(up),
      readerStuck: node.level(stuck),
      backend: node.backend,
      up: node.level(this.#series.up),
      reason: this.#vitalReason(this.#series),
    });
  }

  /** Why the readings that every GPU has are all missing. */
  #vitalReason({ utilization, memoryUsed, temperature, power }: GpuSeries): AbsenceReason | undefined {
    const vital = [utilization, memoryUsed, temperature, power].filter((series) => series !== undefined);
    const reasons = vital.map(({ index }) => this.node.reason(index));
    return reasons.includes(undefined) ? undefined : reasons.find((reason) => reason !== 'unsupported');
  }
}
