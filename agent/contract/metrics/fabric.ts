// An InfiniBand subnet as the sweeper's tools tell it (infiniband-diags). Labels are of the port itself: `guid` is its device's.
// Counters are those of agent/contract/metrics/infiniband.ts, read by management packets in place of files.
import { infinibandRows } from './infiniband.ts';
import { rowsOf, type MetricRow } from './row.ts';
import type { Unit } from '../units.ts';

const { counter, gauge, info } = rowsOf('fabric');
const subnet = ['subnet'] as const;
const port = ['subnet', 'guid', 'port'] as const;
const ofEach = <L extends string>(label: L) => [...port, label] as const;

type Told = Pick<MetricRow, 'help' | 'title' | 'unit'>;
const helpOf = ({ help }: Told): string => `${help}; of a fabric port`;

/** The same quantity as a row of the node's own port. */
const counted = (row: Told, source: string) =>
  counter(row.unit, { labels: port, help: helpOf(row), title: row.title, source, lane: 'server' });
const level = <U extends Unit>(row: Told & { readonly unit: U }, source: string) =>
  gauge(row.unit, { labels: port, help: helpOf(row), title: row.title, source, lane: 'server' });

const ib = infinibandRows;

export const fabricRows = {
  fabric_device_info: info({
    labels: ['subnet', 'guid', 'kind', 'name', 'node', 'lid', 'ports'],
    help: 'What the device is; node is empty without an agent',
    title: 'Fabric device',
    source: 'ibnetdiscover',
    lane: 'server',
  }),
  fabric_link_info: info({
    labels: [...port, 'peer_guid', 'peer_port', 'tier'],
    help: 'Where the port leads',
    title: 'Fabric link',
    source: 'ibnetdiscover',
    lane: 'server',
  }),
  fabric_devices: gauge('count', {
    labels: ['subnet', 'kind'],
    help: 'Devices of the subnet',
    title: 'Devices',
    source: 'ibnetdiscover',
    lane: 'server',
  }),
  fabric_links: gauge('count', {
    labels: ['subnet', 'speed', 'width'],
    help: 'Links of the subnet that are active',
    title: 'Links',
    source: 'iblinkinfo',
    lane: 'server',
  }),
  fabric_silent_devices: gauge('count', {
    labels: subnet,
    help: 'Devices that did not answer',
    title: 'Silent devices',
    source: 'stderr of the sweep',
    lane: 'server',
  }),
  fabric_findings: gauge('count', {
    labels: ['subnet', 'kind', 'severity'],
    help: 'What is wrong with the fabric now',
    title: 'Findings',
    source: 'own',
    lane: 'server',
  }),
  fabric_sweep_seconds: gauge('seconds', {
    labels: subnet,
    help: 'Length of the last sweep',
    title: 'Sweep',
    source: 'own',
    scale: 1000,
    lane: 'server',
  }),
  fabric_sweep_last_success_timestamp_seconds: gauge('timestamp_seconds', {
    labels: subnet,
    help: 'End of the last sweep',
    title: 'Last sweep',
    source: 'own',
    scale: 1000,
    lane: 'server',
  }),
  fabric_topology_changes_total: counter('count', {
    labels: subnet,
    help: 'Sweeps whose topology differed from the one before',
    title: 'Topology changes',
    source: 'own',
    lane: 'server',
  }),
  fabric_port_state_id: level(ib.infiniband_state_id, 'iblinkinfo'),
  fabric_port_physical_state_id: level(ib.infiniband_physical_state_id, 'iblinkinfo'),
  fabric_port_data_rate_bytes_per_second: level(ib.infiniband_data_rate_bytes_per_second, 'iblinkinfo'),
  fabric_port_link_width_lanes: level(ib.infiniband_link_width_lanes, 'iblinkinfo'),
  fabric_port_data_received_bytes_total: counted(ib.infiniband_port_data_received_bytes_total, 'PortRcvData x4'),
  fabric_port_data_transmitted_bytes_total: counted(ib.infiniband_port_data_transmitted_bytes_total, 'PortXmitData x4'),
  fabric_port_packets_received_total: counted(ib.infiniband_port_packets_received_total, 'PortRcvPkts'),
  fabric_port_packets_transmitted_total: counted(ib.infiniband_port_packets_transmitted_total, 'PortXmitPkts'),
  fabric_port_unicast_packets_received_total: counted(
    ib.infiniband_unicast_packets_received_total,
    'PortUnicastRcvPkts',
  ),
  fabric_port_unicast_packets_transmitted_total: counted(
    ib.infiniband_unicast_packets_transmitted_total,
    'PortUnicastXmitPkts',
  ),
  fabric_port_multicast_packets_received_total: counted(
    ib.infiniband_multicast_packets_received_total,
    'PortMulticastRcvPkts',
  ),
  fabric_port_multicast_packets_transmitted_total: counted(
    ib.infiniband_multicast_packets_transmitted_total,
    'PortMulticastXmitPkts',
  ),
  fabric_port_transmit_wait_ticks_total: counted(ib.infiniband_port_transmit_wait_ticks_total, 'PortXmitWait'),
  fabric_port_discards_transmitted_total: counted(ib.infiniband_port_discards_transmitted_total, 'PortXmitDiscards'),
  fabric_port_errors_received_total: counted(ib.infiniband_port_errors_received_total, 'PortRcvErrors'),
  fabric_port_receive_remote_physical_errors_total: counted(
    ib.infiniband_port_receive_remote_physical_errors_total,
    'PortRcvRemotePhysicalErrors',
  ),
  fabric_port_receive_switch_relay_errors_total: counted(
    ib.infiniband_port_receive_switch_relay_errors_total,
    'PortRcvSwitchRelayErrors',
  ),
  fabric_port_constraint_errors_received_total: counted(
    ib.infiniband_port_constraint_errors_received_total,
    'PortRcvConstraintErrors',
  ),
  fabric_port_constraint_errors_transmitted_total: counted(
    ib.infiniband_port_constraint_errors_transmitted_total,
    'PortXmitConstraintErrors',
  ),
  fabric_port_symbol_error_total: counted(ib.infiniband_symbol_error_total, 'SymbolErrorCounter'),
  fabric_port_link_error_recovery_total: counted(ib.infiniband_link_error_recovery_total, 'LinkErrorRecoveryCounter'),
  fabric_port_link_downed_total: counted(ib.infiniband_link_downed_total, 'LinkDownedCounter'),
  fabric_port_local_link_integrity_errors_total: counted(
    ib.infiniband_local_link_integrity_errors_total,
    'LocalLinkIntegrityErrors',
  ),
  fabric_port_excessive_buffer_overrun_errors_total: counted(
    ib.infiniband_excessive_buffer_overrun_errors_total,
    'ExcessiveBufferOverrunErrors',
  ),
  fabric_port_vl15_dropped_total: counted(ib.infiniband_vl15_dropped_total, 'VL15Dropped'),
  fabric_port_events_total: counter('count', {
    labels: ofEach('counter'),
    help: 'Counters of a fabric port without a row of their own',
    title: 'Other port counters',
    source: 'ibqueryerrors',
    lane: 'server',
  }),
  fabric_port_discards_by_cause_total: counter('count', {
    labels: ofEach('cause'),
    help: 'Outbound packets dropped, by cause; of ports where they grew',
    title: 'Discards by cause',
    source: 'perfquery -D',
    lane: 'server',
  }),
  fabric_port_receive_errors_by_cause_total: counter('count', {
    labels: ofEach('cause'),
    help: 'Bad packets received, by cause; of ports where they grew',
    title: 'Receive errors by cause',
    source: 'perfquery -E',
    lane: 'server',
  }),
  fabric_port_saturated: gauge('boolean', {
    labels: ofEach('counter'),
    help: 'The counter of a fabric port stands at its ceiling',
    title: 'Saturated',
    source: 'width of the counter',
    lane: 'server',
  }),
  fabric_port_resets_total: counted(ib.infiniband_resets_total, 'own'),
  fabric_port_utilization_ratio: gauge('ratio', {
    labels: ofEach('direction'),
    help: 'Bytes over data rate between two sweeps; of a fabric port',
    title: 'Utilisation',
    source: 'own',
    scale: 10_000,
    lane: 'server',
  }),
  fabric_port_congestion_ratio: gauge('ratio', {
    labels: port,
    help: 'Bandwidth lost to waiting between two sweeps, at least; of a fabric port',
    title: 'Congestion',
    source: 'own',
    scale: 10_000,
    lane: 'server',
  }),
  fabric_port_congestion_ratio_upper: gauge('ratio', {
    labels: port,
    help: 'Bandwidth lost to waiting at most, where the length of a tick is not known; of a fabric port',
    title: 'Congestion at most',
    source: 'own',
    scale: 10_000,
    lane: 'server',
  }),
} as const satisfies Record<string, MetricRow>;
