// Adapters as sysfs shows them, written below a directory: mlx5-like, one port each, files and links where the kernel has them.
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export type Counters = Readonly<Record<string, string | number | bigint>>;

export interface HcaSpec {
  readonly device: string;
  /** As the kernel writes it: 0000:1a:00.0. */
  readonly address: string;
  readonly port?: Readonly<Record<string, string>>;
  readonly counters?: Counters;
  readonly extended?: Counters;
  readonly hwCounters?: Counters;
}

export const portCounters = [
  'port_rcv_data',
  'port_xmit_data',
  'port_rcv_packets',
  'port_xmit_packets',
  'port_xmit_wait',
  'unicast_rcv_packets',
  'unicast_xmit_packets',
  'multicast_rcv_packets',
  'multicast_xmit_packets',
  'port_xmit_discards',
  'port_rcv_errors',
  'port_rcv_remote_physical_errors',
  'port_rcv_switch_relay_errors',
  'port_rcv_constraint_errors',
  'port_xmit_constraint_errors',
  'symbol_error',
  'link_error_recovery',
  'link_downed',
  'local_link_integrity_errors',
  'excessive_buffer_overrun_errors',
  'VL15_dropped',
] as const;

const hwCounters = [
  'local_ack_timeout_err',
  'packet_seq_err',
  'implied_nak_seq_err',
  'out_of_sequence',
  'out_of_buffer',
  'rnr_nak_retry_err',
  'duplicate_request',
  'rx_write_requests',
  'rx_read_requests',
  'rx_atomic_requests',
  'req_cqe_error',
  'resp_cqe_error',
  'roce_adp_retrans',
  'roce_slow_restart',
] as const;

/** Files of a port that stand beside its counters. */
const portFiles: Readonly<Record<string, string>> = {
  state: '4: ACTIVE',
  phys_state: '5: LinkUp',
  rate: '100 Gb/sec (4X EDR)',
  link_layer: 'InfiniBand',
  lid: '0x11',
};

/** Where the port of an adapter is, so that a test can change a file of it. */
export function portPath(root: string, device: string): string {
  return join(root, 'sys/class/infiniband', device, 'ports/1');
}

/** Adapters with 35 counters each. */
export function hcaSpecs(count: number): readonly HcaSpec[] {
  return Array.from({ length: count }, (_, index) => ({
    device: `mlx5_${index}`,
    address: `0000:${(0x10 + index).toString(16)}:00.0`,
    counters: Object.fromEntries(portCounters.map((file, at) => [file, at < 9 ? 1_000_003 * (index + 1) + at : 0])),
    hwCounters: { lifespan: 10, ...Object.fromEntries(hwCounters.map((file, at) => [file, index * 100 + at])) },
  }));
}

export function writeHcas(root: string, specs: readonly HcaSpec[]): void {
  for (const spec of specs) writeHca(root, spec);
}

function writeHca(root: string, spec: HcaSpec): void {
  const pci = `devices/pci0000:00/${spec.address}`;
  const hca = join(root, 'sys', pci, 'infiniband', spec.device);
  writeFiles(join(root, 'sys', pci), {
    current_link_speed: '8.0 GT/s PCIe',
    max_link_speed: '8.0 GT/s PCIe',
    current_link_width: '16',
    max_link_width: '16',
    numa_node: '0',
    'net/ib0/dev_port': '0',
    'net/ib0/carrier_down_count': '1',
  });
  writeFiles(hca, { fw_ver: '12.28.2006', hca_type: 'MT4115', board_id: 'MT_2180110032', node_desc: 'test' });
  writeFiles(join(hca, 'ports/1'), { ...portFiles, ...spec.port });
  writeFiles(join(hca, 'ports/1/counters'), spec.counters ?? {});
  writeFiles(join(hca, 'ports/1/counters_ext'), spec.extended ?? {});
  writeFiles(join(hca, 'ports/1/hw_counters'), spec.hwCounters ?? {});
  link(`../../../${spec.address}`, join(hca, 'device'));
  link(`../../${pci}/infiniband/${spec.device}`, join(root, 'sys/class/infiniband', spec.device));
}

function writeFiles(directory: string, files: Counters): void {
  for (const [name, text] of Object.entries(files)) {
    const path = join(directory, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `${String(text)}\n`);
  }
}

function link(target: string, path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(target, path);
}
