// One GPU of the fleet: who it is, where its series are, and its account. It outlives the series when it vanishes.
import type { GpuReading } from '../diagnosis/first-verdict.ts';
import type { GpuAccount } from '../ledger/account.ts';
import type { FleetNode } from './node.ts';
import type { GpuSeries } from './schema.ts';

export class FleetGpu {
  readonly node: FleetNode;
  readonly gpu: string;
  readonly uuid: string;
  readonly account: GpuAccount;
  pciBusId = '';
  name = '';
  #series: GpuSeries | undefined;

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

  /** What the newest frame says for the verdict; nothing without utilisation or while the GPU does not answer. */
  reading(): GpuReading | undefined {
    const busy = this.utilization;
    if (Number.isNaN(busy) || this.node.level(this.#series?.up) === 0) return undefined;
    return { busy, processes: this.processes, memoryUsedBytes: this.memoryUsed };
  }
}
