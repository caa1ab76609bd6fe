// What GPUs of several kinds have in common: identity, limits, PCIe, NVLinks, ECC places.
import type { CounterValue } from '../../../agent/simulator/render/binary-layout.ts';

/** A counter that stood at `from` when it was first written. */
export function counts(from: number, perSecond: number): CounterValue {
  return { from, perSecond };
}

export function identity(index: number, { generation, bus }: { readonly generation: number; readonly bus: number }) {
  return {
    uuid: `GPU-${generation}0000000-0000-4000-8000-0000000000${hex(index, 2)}`,
    serial: `032${generation}0000000${String(index).padStart(2, '0')}`,
    busId: `00000000:${hex(bus, 2).toUpperCase()}:00.0`,
    minor: index,
    persistenceMode: 1,
    computeMode: 0,
    performanceState: 0,
  };
}

export function powerLimits({ limit, least }: { readonly limit: number; readonly least: number }) {
  return {
    powerLimitMw: limit,
    powerDefaultMw: limit,
    powerEnforcedMw: limit,
    powerMinMw: least,
    powerMaxMw: limit,
  };
}

export function pcie(generation: number) {
  return {
    pcieGeneration: generation,
    pcieWidth: 16,
    pcieMaxGeneration: generation,
    pcieMaxWidth: 16,
    pcieReplays: 0,
    pcieTxBytes: counts(1e12, 220e6),
    pcieRxBytes: counts(5e12, 1900e6),
  };
}

export function nvlinks({
  count,
  version,
  speedMbps,
}: {
  readonly count: number;
  readonly version: number;
  readonly speedMbps: number;
}) {
  return {
    linkCount: count,
    linkVersion: version,
    linkFields: 1,
    links: Array.from({ length: count }, (_, at) => ({
      active: 1,
      speedMbps,
      remoteBusId: `00000000:${hex(0xc0 + (at % 6), 2).toUpperCase()}:00.0`,
      txKib: counts(5_000_000 + at, 3_000_000),
      rxKib: counts(4_000_000 + at, 2_900_000),
      errors: [0, 0, 0, 0, 0],
    })),
  };
}

/** Ampere and later: DRAM, SRAM and the total, rows remapped instead of pages retired. */
export const dramAndSram = (() => {
  const none = Array.from({ length: 9 }, (_, place) => ([2, 7, 8].includes(place) ? 0 : undefined));
  return {
    eccMode: 1,
    eccVolatileCorrected: none,
    eccVolatileUncorrected: none,
    eccAggregateCorrected: none,
    eccAggregateUncorrected: none,
    sramParity: [0, 0],
    remappedCorrected: 0,
    remappedUncorrected: 0,
    remappedPending: 0,
    remappedFailed: 0,
  };
})();

/** In GPM's order from 1 on. */
export function gpmOf(percents: readonly number[]): readonly (CounterValue | undefined)[] {
  return [undefined, ...percents.map((percent) => counts(0, percent))];
}

export function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}
