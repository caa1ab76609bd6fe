// Which row a counter of infiniband-diags fills. Those without a row of their own are told by their name.
import type { FabricMetricId } from '#agent/contract';
import type { CounterName } from '../fabric/counters.ts';

const rows: readonly (readonly [CounterName, FabricMetricId])[] = [
  ['PortRcvData', 'fabric_port_data_received_bytes_total'],
  ['PortXmitData', 'fabric_port_data_transmitted_bytes_total'],
  ['PortRcvPkts', 'fabric_port_packets_received_total'],
  ['PortXmitPkts', 'fabric_port_packets_transmitted_total'],
  ['PortUnicastRcvPkts', 'fabric_port_unicast_packets_received_total'],
  ['PortUnicastXmitPkts', 'fabric_port_unicast_packets_transmitted_total'],
  ['PortMulticastRcvPkts', 'fabric_port_multicast_packets_received_total'],
  ['PortMulticastXmitPkts', 'fabric_port_multicast_packets_transmitted_total'],
  ['PortXmitWait', 'fabric_port_transmit_wait_ticks_total'],
  ['PortXmitDiscards', 'fabric_port_discards_transmitted_total'],
  ['PortRcvErrors', 'fabric_port_errors_received_total'],
  ['PortRcvRemotePhysicalErrors', 'fabric_port_receive_remote_physical_errors_total'],
  ['PortRcvSwitchRelayErrors', 'fabric_port_receive_switch_relay_errors_total'],
  ['PortRcvConstraintErrors', 'fabric_port_constraint_errors_received_total'],
  ['PortXmitConstraintErrors', 'fabric_port_constraint_errors_transmitted_total'],
  ['SymbolErrorCounter', 'fabric_port_symbol_error_total'],
  ['LinkErrorRecoveryCounter', 'fabric_port_link_error_recovery_total'],
  ['LinkDownedCounter', 'fabric_port_link_downed_total'],
  ['LocalLinkIntegrityErrors', 'fabric_port_local_link_integrity_errors_total'],
  ['ExcessiveBufferOverrunErrors', 'fabric_port_excessive_buffer_overrun_errors_total'],
  ['VL15Dropped', 'fabric_port_vl15_dropped_total'],
];

export const counterMetrics: ReadonlyMap<string, FabricMetricId> = new Map(rows);

const discards = 'fabric_port_discards_by_cause_total';
const receiveErrors = 'fabric_port_receive_errors_by_cause_total';

interface CauseMetric {
  readonly id: typeof discards | typeof receiveErrors;
  readonly cause: string;
}

const causes: readonly (readonly [CounterName, CauseMetric])[] = [
  ['PortInactiveDiscards', { id: discards, cause: 'inactive' }],
  ['PortNeighborMTUDiscards', { id: discards, cause: 'mtu' }],
  ['PortSwLifetimeLimitDiscards', { id: discards, cause: 'switch_lifetime' }],
  ['PortSwHOQLifetimeLimitDiscards', { id: discards, cause: 'head_of_queue' }],
  ['PortLocalPhysicalErrors', { id: receiveErrors, cause: 'local_physical' }],
  ['PortMalformedPktErrors', { id: receiveErrors, cause: 'malformed' }],
  ['PortBufferOverrunErrors', { id: receiveErrors, cause: 'buffer_overrun' }],
  ['PortDLIDMappingErrors', { id: receiveErrors, cause: 'dlid_mapping' }],
  ['PortVLMappingErrors', { id: receiveErrors, cause: 'vl_mapping' }],
  ['PortLoopingErrors', { id: receiveErrors, cause: 'looping' }],
];

export const causeMetrics: ReadonlyMap<string, CauseMetric> = new Map(causes);
