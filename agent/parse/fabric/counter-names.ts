// Names of port counters as infiniband-diags print them, with the width at which each of them stops counting.
// PortCounters and PortCountersExtended of the InfiniBand Architecture Specification, volume 1, chapter 16.

/** Errors that every device counts, and the bits of the plain set. */
export const errorCounters = new Map<string, number>([
  ['SymbolErrorCounter', 16],
  ['LinkErrorRecoveryCounter', 8],
  ['LinkDownedCounter', 8],
  ['PortRcvErrors', 16],
  ['PortRcvRemotePhysicalErrors', 16],
  ['PortRcvSwitchRelayErrors', 16],
  ['PortXmitDiscards', 16],
  ['PortXmitConstraintErrors', 8],
  ['PortRcvConstraintErrors', 8],
  ['LocalLinkIntegrityErrors', 4],
  ['ExcessiveBufferOverrunErrors', 4],
  ['VL15Dropped', 16],
]);

/** Counted by some devices only: CapabilityMask says whether. */
export const WAIT_COUNTER = 'PortXmitWait';

export const dataCounters: ReadonlySet<string> = new Set([
  'PortXmitData',
  'PortRcvData',
  'PortXmitPkts',
  'PortRcvPkts',
  'PortUnicastXmitPkts',
  'PortUnicastRcvPkts',
  'PortMulticastXmitPkts',
  'PortMulticastRcvPkts',
]);

export function isErrorCounter(name: string): boolean {
  return errorCounters.has(name) || name === WAIT_COUNTER || name === 'QP1Dropped';
}

/** Whether the plain set cannot hold such a number. */
export function exceedsPlainWidth(name: string, digits: string): boolean {
  const bits = name === WAIT_COUNTER ? 32 : errorCounters.get(name);
  return bits !== undefined && BigInt(digits) >= 1n << BigInt(bits);
}
