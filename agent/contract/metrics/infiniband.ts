// InfiniBand and RoCE ports, below sys/class/infiniband/DEV/ports/N, as the kernel names them.
import { rowsOf, type MetricRow } from './row.ts';

const { counter, gauge, info } = rowsOf('infiniband');
const port = ['device', 'port'] as const;
const device = ['device'] as const;

const traffic = (title: string, help: string, source: string) =>
  counter('count', { labels: port, help, title, source });
const errors = (title: string, help: string, source: string) =>
  counter('count', { labels: port, help, title, source, lane: 'medium' });
const pcie = (title: string, help: string, source: string) =>
  gauge('none', { labels: device, help, title, source, lane: 'slow' });

export const infinibandRows = {
  infiniband_info: info({
    labels: [
      'device',
      'board_id',
      'firmware_version',
      'hca_type',
      'node_guid',
      'sys_image_guid',
      'node_desc',
      'pci_bus_id',
      'numa_node',
    ],
    help: 'What the host channel adapter is',
    title: 'HCA',
    source: 'class/infiniband/DEV',
  }),
  infiniband_port_info: info({
    labels: ['device', 'port', 'link_layer', 'guid', 'lid', 'rail', 'role', 'netdev'],
    help: 'What the port is',
    title: 'Port',
    source: 'ports/N',
  }),
  infiniband_state_id: gauge('none', {
    labels: port,
    help: 'Logical port state, numbered as the kernel does',
    title: 'State',
    source: 'state',
    lane: 'medium',
  }),
  infiniband_physical_state_id: gauge('none', {
    labels: port,
    help: 'Physical port state, numbered as the kernel does',
    title: 'Physical state',
    source: 'phys_state',
    lane: 'medium',
  }),
  infiniband_rate_bytes_per_second: gauge('bytes_per_second', {
    labels: port,
    help: 'Rate as the kernel prints it, only while ACTIVE',
    title: 'Rate',
    source: 'rate',
    lane: 'medium',
  }),
  infiniband_data_rate_bytes_per_second: gauge('bytes_per_second', {
    labels: port,
    help: 'Rate after line coding, the ceiling of utilisation',
    title: 'Data rate',
    source: 'rate',
    lane: 'medium',
  }),
  infiniband_link_width_lanes: gauge('count', {
    labels: port,
    help: 'Lanes in use',
    title: 'Width',
    source: 'rate',
    lane: 'medium',
  }),
  infiniband_link_lane_bytes_per_second: gauge('bytes_per_second', {
    labels: port,
    help: 'Signalling rate of a lane',
    title: 'Lane rate',
    source: 'rate',
    lane: 'medium',
  }),
  infiniband_port_data_received_bytes_total: counter('bytes', {
    labels: port,
    help: 'Data received through the port',
    title: 'Received',
    source: 'counters/port_rcv_data x4',
  }),
  infiniband_port_data_transmitted_bytes_total: counter('bytes', {
    labels: port,
    help: 'Data sent through the port',
    title: 'Sent',
    source: 'counters/port_xmit_data x4',
  }),
  infiniband_port_packets_received_total: traffic(
    'Packets received',
    'Packets received through the port',
    'counters/port_rcv_packets',
  ),
  infiniband_port_packets_transmitted_total: traffic(
    'Packets sent',
    'Packets sent through the port',
    'counters/port_xmit_packets',
  ),
  infiniband_unicast_packets_received_total: errors(
    'Unicast received',
    'Unicast packets received',
    'counters/unicast_rcv_packets',
  ),
  infiniband_unicast_packets_transmitted_total: errors(
    'Unicast sent',
    'Unicast packets sent',
    'counters/unicast_xmit_packets',
  ),
  infiniband_multicast_packets_received_total: errors(
    'Multicast received',
    'Multicast packets received',
    'counters/multicast_rcv_packets',
  ),
  infiniband_multicast_packets_transmitted_total: errors(
    'Multicast sent',
    'Multicast packets sent',
    'counters/multicast_xmit_packets',
  ),
  infiniband_port_transmit_wait_ticks_total: traffic(
    'Wait',
    'Ticks with data ready and no credit',
    'counters/port_xmit_wait',
  ),
  infiniband_port_transmit_wait_tick_bytes: gauge('bytes', {
    labels: port,
    help: 'Port time of one wait tick in bytes; absent = unknown',
    title: 'Wait tick',
    source: 'table by hca_type, learned or configured',
    lane: 'inventory',
  }),
  infiniband_port_discards_transmitted_total: errors(
    'Discards',
    'Outbound packets that the port dropped',
    'counters/port_xmit_discards',
  ),
  infiniband_port_errors_received_total: errors('Receive errors', 'Bad packets received', 'counters/port_rcv_errors'),
  infiniband_port_receive_remote_physical_errors_total: errors(
    'Remote physical errors',
    'Packets marked bad upstream',
    'counters/port_rcv_remote_physical_errors',
  ),
  infiniband_port_receive_switch_relay_errors_total: errors(
    'Switch relay errors',
    'Packets that could not be forwarded',
    'counters/port_rcv_switch_relay_errors',
  ),
  infiniband_port_constraint_errors_received_total: errors(
    'Receive constraint errors',
    'Received packets refused by partition or raw filtering',
    'counters/port_rcv_constraint_errors',
  ),
  infiniband_port_constraint_errors_transmitted_total: errors(
    'Send constraint errors',
    'Outbound packets refused by partition or raw filtering',
    'counters/port_xmit_constraint_errors',
  ),
  infiniband_symbol_error_total: errors(
    'Symbol errors',
    'Decoding errors left after correction',
    'counters/symbol_error',
  ),
  infiniband_link_error_recovery_total: errors(
    'Link recoveries',
    'Times the link retrained',
    'counters/link_error_recovery',
  ),
  infiniband_link_downed_total: errors('Link downs', 'Times the link went down', 'counters/link_downed'),
  infiniband_local_link_integrity_errors_total: errors(
    'Link integrity errors',
    'Times the local error threshold was passed',
    'counters/local_link_integrity_errors',
  ),
  infiniband_excessive_buffer_overrun_errors_total: errors(
    'Buffer overruns',
    'Times the flow-control threshold was passed',
    'counters/excessive_buffer_overrun_errors',
  ),
  infiniband_vl15_dropped_total: errors('VL15 dropped', 'Management packets dropped', 'counters/VL15_dropped'),
  infiniband_hw_events_total: counter('count', {
    labels: ['device', 'port', 'counter'],
    help: 'Events the adapter counts, by its own name',
    title: 'Adapter events',
    source: 'hw_counters',
    lane: 'medium',
  }),
  infiniband_events_total: counter('count', {
    labels: ['device', 'port', 'counter'],
    help: 'Port counters without a row of their own',
    title: 'Other port counters',
    source: 'counters',
    lane: 'medium',
  }),
  infiniband_pfc_pauses_total: counter('count', {
    labels: ['device', 'port', 'direction', 'priority'],
    help: 'Priority flow control pauses of the network interface of the port (RoCE)',
    title: 'Pauses',
    source: 'class/net/IF/statistics/*_prioN_pause',
    lane: 'medium',
  }),
  infiniband_pfc_pause_seconds_total: counter('seconds', {
    labels: ['device', 'port', 'direction', 'priority'],
    help: 'Time paused by priority flow control (RoCE)',
    title: 'Pause time',
    source: 'class/net/IF/statistics/*_prioN_pause_duration',
    scale: 1_000_000,
    lane: 'medium',
  }),
  infiniband_carrier_down_total: errors(
    'Carrier losses',
    'Times the network interface of the port lost its carrier',
    'class/net/IF/carrier_down_count',
  ),
  infiniband_saturated: gauge('boolean', {
    labels: ['device', 'port', 'counter'],
    help: 'The counter stands at its ceiling',
    title: 'Saturated',
    source: 'width of the counter',
    lane: 'medium',
  }),
  infiniband_resets_total: counter('count', {
    labels: port,
    help: 'Times counters were seen to fall',
    title: 'Resets',
    source: 'own',
  }),
  infiniband_pass_seconds: gauge('seconds', {
    help: 'Length of the last fast pass over all ports',
    title: 'Pass',
    source: 'own',
    scale: 1_000_000,
  }),
  infiniband_pcie_link_generation: pcie(
    'PCIe generation',
    'PCIe generation of the link of the adapter now',
    'device/current_link_speed',
  ),
  infiniband_pcie_link_generation_max: pcie(
    'PCIe generation, best',
    'PCIe generation the adapter can do',
    'device/max_link_speed',
  ),
  infiniband_pcie_link_width: pcie(
    'PCIe width',
    'PCIe lanes of the link of the adapter now',
    'device/current_link_width',
  ),
  infiniband_pcie_link_width_max: pcie('PCIe width, best', 'PCIe lanes the adapter can do', 'device/max_link_width'),
} as const satisfies Record<string, MetricRow>;
