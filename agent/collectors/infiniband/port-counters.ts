// The port counters that have a row of their own: file below ports/N/counters, width in bits, unit.
// Widths: InfiniBand Architecture Specification, volume 1, PortCounters and PortCountersExtended. They stop at their ceiling and never wrap.
import type { CounterId } from '#agent/contract';

export interface PortCounterRow {
  readonly file: string;
  readonly id: CounterId & `infiniband_${string}`;
  readonly bits: 4 | 8 | 16 | 32 | 64;
  /** Octets count in words of four bytes. */
  readonly factor: 1 | 4;
  /** The same quantity in 64 bits below counters_ext, on old kernels. */
  readonly extended: string | undefined;
}

/** Read every second. */
export const fastCounters: readonly PortCounterRow[] = [
  words('port_rcv_data', 'infiniband_port_data_received_bytes_total', 'port_rcv_data_64'),
  words('port_xmit_data', 'infiniband_port_data_transmitted_bytes_total', 'port_xmit_data_64'),
  packets('port_rcv_packets', 'infiniband_port_packets_received_total', 'port_rcv_packets_64'),
  packets('port_xmit_packets', 'infiniband_port_packets_transmitted_total', 'port_xmit_packets_64'),
  events('port_xmit_wait', 'infiniband_port_transmit_wait_ticks_total', 32),
];

export const mediumCounters: readonly PortCounterRow[] = [
  packets('unicast_rcv_packets', 'infiniband_unicast_packets_received_total', 'port_unicast_rcv_packets'),
  packets('unicast_xmit_packets', 'infiniband_unicast_packets_transmitted_total', 'port_unicast_xmit_packets'),
  packets('multicast_rcv_packets', 'infiniband_multicast_packets_received_total', 'port_multicast_rcv_packets'),
  packets('multicast_xmit_packets', 'infiniband_multicast_packets_transmitted_total', 'port_multicast_xmit_packets'),
  events('port_xmit_discards', 'infiniband_port_discards_transmitted_total', 16),
  events('port_rcv_errors', 'infiniband_port_errors_received_total', 16),
  events('port_rcv_remote_physical_errors', 'infiniband_port_receive_remote_physical_errors_total', 16),
  events('port_rcv_switch_relay_errors', 'infiniband_port_receive_switch_relay_errors_total', 16),
  events('port_rcv_constraint_errors', 'infiniband_port_constraint_errors_received_total', 8),
  events('port_xmit_constraint_errors', 'infiniband_port_constraint_errors_transmitted_total', 8),
  events('symbol_error', 'infiniband_symbol_error_total', 16),
  events('link_error_recovery', 'infiniband_link_error_recovery_total', 8),
  events('link_downed', 'infiniband_link_downed_total', 8),
  events('local_link_integrity_errors', 'infiniband_local_link_integrity_errors_total', 4),
  events('excessive_buffer_overrun_errors', 'infiniband_excessive_buffer_overrun_errors_total', 4),
  events('VL15_dropped', 'infiniband_vl15_dropped_total', 16),
];

const known = new Set([...fastCounters, ...mediumCounters].map((row) => row.file));

/** Files below counters/ that no row speaks for. */
export function unknownCounters(files: readonly string[]): readonly string[] {
  return files.filter((file) => !known.has(file));
}

function words(file: string, id: PortCounterRow['id'], extended: string): PortCounterRow {
  return { file, id, bits: 64, factor: 4, extended };
}

function packets(file: string, id: PortCounterRow['id'], extended: string): PortCounterRow {
  return { file, id, bits: 64, factor: 1, extended };
}

function events(file: string, id: PortCounterRow['id'], bits: PortCounterRow['bits']): PortCounterRow {
  return { file, id, bits, factor: 1, extended: undefined };
}
