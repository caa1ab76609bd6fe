// The running counts of one GPU, as driver and boards keep them: what flows is added up, nothing ever falls.
import { Counter } from './counter.ts';
import { throttle, type GpuState } from './gpu-model.ts';
import type { GpuHardware } from './hardware.ts';
import { LINKS_PER_GPU } from './nvlink.ts';
import { Random } from './random.ts';

/** Places in which a V100 counts ECC errors. Those of the CBU are told only if they cannot be corrected. */
export const eccLocations = ['device_memory', 'register_file', 'l1_cache', 'l2_cache', 'cbu'] as const;
export type EccLocation = (typeof eccLocations)[number];
export type EccCounts = Readonly<Record<EccLocation, number>>;

export interface LinkCounters {
  readonly txBytes: Counter;
  readonly rxBytes: Counter;
  readonly replayErrors: number;
  readonly recoveryErrors: number;
  readonly crcErrors: number;
}

export class GpuCounters {
  readonly energyMillijoules: Counter;
  readonly pcieTxBytes: Counter;
  readonly pcieRxBytes: Counter;
  readonly pcieReplays: number;
  /** Nanoseconds in which clocks were held down. */
  readonly throttledNs: Readonly<Record<'swPowerCap' | 'swThermal', Counter>>;
  readonly links: readonly LinkCounters[];
  /** The newest, as DCGM goes on telling it; 0 for none yet. */
  lastXid = 0;
  #worn = 0;
  #retired = 0;
  readonly #hardware: GpuHardware;

  constructor(seed: number, node: string, hardware: GpuHardware) {
    const random = new Random(seed, 'gpu counters', node, hardware.index);
    this.#hardware = hardware;
    this.energyMillijoules = new Counter(random.integer(2e11, 7e11));
    this.pcieTxBytes = new Counter(random.integer(1e13, 9e13));
    this.pcieRxBytes = new Counter(random.integer(2e13, 3e14));
    this.pcieReplays = random.chance(0.06) ? random.integer(1, 12) : 0;
    this.throttledNs = {
      swPowerCap: new Counter(random.integer(1e12, 9e14)),
      swThermal: new Counter(random.chance(0.1) ? random.integer(1e9, 9e12) : 0),
    };
    this.links = Array.from({ length: LINKS_PER_GPU }, () => ({
      txBytes: new Counter(random.integer(1e13, 9e14)),
      rxBytes: new Counter(random.integer(1e13, 9e14)),
      replayErrors: random.chance(0.01) ? random.integer(1, 3) : 0,
      recoveryErrors: 0,
      crcErrors: random.chance(0.01) ? random.integer(1, 9) : 0,
    }));
  }

  /** Levels hold for the whole time that has passed. */
  add({ powerW, pcie, nvlink, throttleMask }: GpuState, seconds: number): void {
    this.energyMillijoules.add(powerW * 1000 * seconds);
    this.pcieTxBytes.add(pcie.txBytesPerS * seconds);
    this.pcieRxBytes.add(pcie.rxBytesPerS * seconds);
    for (const [link, { txBytes, rxBytes }] of this.links.entries()) {
      txBytes.add((nvlink.tx[link] ?? 0) * seconds);
      rxBytes.add((nvlink.rx[link] ?? 0) * seconds);
    }
    if (throttleMask & throttle.swPowerCap) this.throttledNs.swPowerCap.add(seconds * 1e9);
    if (throttleMask & throttle.swThermal) this.throttledNs.swThermal.add(seconds * 1e9);
  }

  /** Errors and pages that came since the simulation began. */
  wear(errors: number, pages: number): void {
    this.#worn = Math.max(this.#worn, errors);
    this.#retired = Math.max(this.#retired, pages);
  }

  /** Since the driver was loaded, or since the board was made. */
  corrected(scope: 'volatile' | 'aggregate'): EccCounts {
    const known = this.#hardware.correctedErrors;
    const before = scope === 'aggregate' ? known : Math.floor(known / 4);
    return { ...noErrors, device_memory: before + this.#worn, l2_cache: Math.floor(this.#worn / 40) };
  }

  get uncorrected(): EccCounts {
    return noErrors;
  }

  /** Pages given up for single-bit errors. None of the simulated boards had a double one. */
  get retiredPages(): number {
    return this.#hardware.retiredPages + this.#retired;
  }

  /** Given up pages stay in use until the driver is loaded again. */
  get retirementPending(): boolean {
    return this.#retired > 0;
  }
}

export function eccTotal(counts: EccCounts): number {
  return eccLocations.reduce((sum, location) => sum + counts[location], 0);
}

const noErrors: EccCounts = { device_memory: 0, register_file: 0, l1_cache: 0, l2_cache: 0, cbu: 0 };
