// The counters of a port by their infiniband-diags names, and where they end (InfiniBand Architecture Specification,
// PortCounters and its extended and detail attributes). They clamp at their ceiling and never wrap.
import type { FabricPort } from '#agent/contract';

export const counterBits = {
  LocalLinkIntegrityErrors: 4,
  ExcessiveBufferOverrunErrors: 4,
  LinkErrorRecoveryCounter: 8,
  LinkDownedCounter: 8,
  PortXmitConstraintErrors: 8,
  PortRcvConstraintErrors: 8,
  SymbolErrorCounter: 16,
  PortRcvErrors: 16,
  PortRcvRemotePhysicalErrors: 16,
  PortRcvSwitchRelayErrors: 16,
  PortXmitDiscards: 16,
  VL15Dropped: 16,
  QP1Dropped: 16,
  PortXmitWait: 32,
  PortXmitData: 64,
  PortRcvData: 64,
  PortXmitPkts: 64,
  PortRcvPkts: 64,
  PortUnicastXmitPkts: 64,
  PortUnicastRcvPkts: 64,
  PortMulticastXmitPkts: 64,
  PortMulticastRcvPkts: 64,
  PortInactiveDiscards: 16,
  PortNeighborMTUDiscards: 16,
  PortSwLifetimeLimitDiscards: 16,
  PortSwHOQLifetimeLimitDiscards: 16,
  PortLocalPhysicalErrors: 16,
  PortMalformedPktErrors: 16,
  PortBufferOverrunErrors: 16,
  PortDLIDMappingErrors: 16,
  PortVLMappingErrors: 16,
  PortLoopingErrors: 16,
} as const;
export type CounterName = keyof typeof counterBits;

export const isCounterName = (name: string): name is CounterName => Object.hasOwn(counterBits, name);

/** Details are read of few ports at a time, round robin. There is no wide form of them. */
export const causesOf: readonly { readonly sum: CounterName; readonly causes: readonly CounterName[] }[] = [
  {
    sum: 'PortXmitDiscards',
    causes: [
      'PortInactiveDiscards',
      'PortNeighborMTUDiscards',
      'PortSwLifetimeLimitDiscards',
      'PortSwHOQLifetimeLimitDiscards',
    ],
  },
  {
    sum: 'PortRcvErrors',
    causes: [
      'PortLocalPhysicalErrors',
      'PortMalformedPktErrors',
      'PortBufferOverrunErrors',
      'PortDLIDMappingErrors',
      'PortVLMappingErrors',
      'PortLoopingErrors',
    ],
  },
];
const detailCounters: ReadonlySet<string> = new Set(causesOf.flatMap(({ causes }) => causes));

/** Data and packets of ports without the extended set. */
const NARROW_DATA_BITS = 32;

const ceilings = new Map([4, 8, 16, 32, 64].map((bits) => [bits, String(2n ** BigInt(bits) - 1n)]));

/** Whether a counter stands at its ceiling: a lower bound, and no rate follows from it. */
export function isSaturated(
  name: string,
  digits: string,
  { hasWideErrors }: Pick<FabricPort, 'hasWideErrors'>,
): boolean {
  if (!isCounterName(name)) return false;
  const bits = counterBits[name];
  if (bits === 64) return digits === ceilings.get(64) || digits === ceilings.get(NARROW_DATA_BITS);
  return digits === ceilings.get(hasWideErrors && !detailCounters.has(name) ? 64 : bits);
}

/** PortXmitData and PortRcvData count words of four bytes. */
export const BYTES_PER_WORD = 4;
