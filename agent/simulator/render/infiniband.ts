// HCAs and their ports below sys/class/infiniband, and the IPoIB interfaces on them.
// Documentation/ABI/stable/sysfs-class-infiniband.
import { EDR_GIGABITS, healthyLink, type LinkState } from '../fabric/faults.ts';
import type { PortHealth } from '../fabric/model.ts';
import type { HcaHardware, NodeHardware } from '../hardware.ts';
import type { PortCounters } from '../host-counters.ts';
import type { NodeState } from '../workload.ts';
import { writeNetworkInterface } from './network.ts';
import { writePciDevice } from './pci.ts';
import type { TreeWriter } from './tree-writer.ts';

export function writeInfiniband(tree: TreeWriter<NodeState>, hardware: NodeHardware): void {
  for (const [index, hca] of hardware.hcas.entries()) {
    const pci = writePciDevice(
      tree,
      {
        bus: hca.bus,
        vendor: '0x15b3',
        device: hardware.platform.hca.type === 'MT4115' ? '0x1013' : '0x1017',
        class: '0x020700',
        linkWidth: 16,
      },
      hardware,
    );
    const directory = `${pci}/infiniband/${hca.name}`;
    tree.link(`sys/class/infiniband/${hca.name}`, directory);
    tree.link(`${directory}/device`, pci);
    writeIdentity(tree, directory, { hca, hardware });
    const health = (state: NodeState): PortHealth | undefined => state.ports[index];
    writePort(tree, `${directory}/ports/1`, { hca, health, counters: (state) => state.counters.ports[index] });
    writeNetworkInterface(tree, {
      name: hca.netdev,
      pci,
      speedMbit: 100_000,
      mtu: 2044,
      address: ipoibAddress(hca),
      type: 32,
      link: (state) => {
        const { link, errors } = health(state) ?? {};
        return { up: link?.up !== false, wentDown: 1 + (errors?.link_downed ?? 0) };
      },
    });
  }
}

function writeIdentity(
  tree: TreeWriter<NodeState>,
  directory: string,
  { hca, hardware }: { readonly hca: HcaHardware; readonly hardware: NodeHardware },
): void {
  const { platform } = hardware;
  tree.files(directory, {
    board_id: platform.hca.board,
    fw_ver: platform.hca.firmware,
    hca_type: platform.hca.type,
    hw_rev: '0',
    node_desc: `${hardware.name} ${hca.name}`,
    node_guid: grouped(hca.guid),
    node_type: '1: CA',
    sys_image_guid: grouped(hca.guid),
  });
}

interface PortSource {
  readonly hca: HcaHardware;
  readonly counters: (state: NodeState) => PortCounters | undefined;
  readonly health: (state: NodeState) => PortHealth | undefined;
}

function writePort(tree: TreeWriter<NodeState>, port: string, { hca, counters, health }: PortSource): void {
  tree.files(port, {
    cap_mask: '0x2651e848',
    lid: `0x${hca.lid.toString(16)}`,
    lid_mask_count: 0,
    link_layer: 'InfiniBand',
    sm_lid: '0x1',
    sm_sl: 0,
    'gids/0': `fe80:0000:0000:0000:${grouped(hca.guid)}`,
    'pkeys/0': '0xffff',
    'gid_attrs/ndevs/0': hca.netdev,
  });
  const link = (read: (one: LinkState) => string): ((state: NodeState) => string) => {
    return (state) => read(health(state)?.link ?? healthyLink);
  };
  tree.seldom(
    `${port}/state`,
    link(({ up }) => (up ? '4: ACTIVE' : '1: DOWN')),
  );
  tree.seldom(
    `${port}/phys_state`,
    link(({ up }) => (up ? '5: LinkUp' : '2: Polling')),
  );
  tree.seldom(`${port}/rate`, link(rateOf));
  tree.files(`${port}/counters`, quietCounters);
  for (const name of errorNames) tree.seldom(`${port}/counters/${name}`, (state) => health(state)?.errors[name] ?? 0);
  tree.files(`${port}/hw_counters`, quietEvents);
  const live = (name: string, read: (one: PortCounters) => string | number | { toString(): string }): void => {
    tree.liveValue(`${port}/counters/${name}`, (state) => {
      const one = counters(state);
      return one ? read(one) : 0;
    });
  };
  live('port_rcv_data', (one) => one.rxWords);
  live('port_xmit_data', (one) => one.txWords);
  live('port_rcv_packets', (one) => one.rxPackets);
  live('port_xmit_packets', (one) => one.txPackets);
  live('unicast_rcv_packets', (one) => one.rxPackets);
  live('unicast_xmit_packets', (one) => one.txPackets);
  live('port_xmit_wait', (one) => one.waitTicks);
}

const errorNames = ['symbol_error', 'link_error_recovery', 'link_downed', 'port_rcv_errors'] as const;

/** As the kernel prints it: the signalling rate below EDR, and that of the slowest link while there is none. */
function rateOf({ up, lanes, laneGigabits }: LinkState): string {
  if (!up) return '10 Gb/sec (4X SDR)';
  return laneGigabits === EDR_GIGABITS
    ? `${lanes * 25} Gb/sec (${lanes}X EDR)`
    : `${lanes * 14} Gb/sec (${lanes}X FDR)`;
}

const quietCounters = zeros(
  'VL15_dropped',
  'excessive_buffer_overrun_errors',
  'local_link_integrity_errors',
  'multicast_rcv_packets',
  'multicast_xmit_packets',
  'port_rcv_constraint_errors',
  'port_rcv_remote_physical_errors',
  'port_rcv_switch_relay_errors',
  'port_xmit_constraint_errors',
  'port_xmit_discards',
);

/** lifespan is how long values are cached, in milliseconds. */
const quietEvents = {
  ...zeros(
    'duplicate_request',
    'implied_nak_seq_err',
    'local_ack_timeout_err',
    'out_of_buffer',
    'out_of_sequence',
    'packet_seq_err',
    'req_cqe_error',
    'req_cqe_flush_error',
    'resp_cqe_error',
    'resp_cqe_flush_error',
    'rnr_nak_retry_err',
    'rx_atomic_requests',
    'rx_read_requests',
    'rx_write_requests',
  ),
  lifespan: 10,
};

function zeros(...names: readonly string[]): Readonly<Record<string, number>> {
  return Object.fromEntries(names.map((name) => [name, 0]));
}

/** 506b4b0300cc02a6 → 506b:4b03:00cc:02a6 */
function grouped(guid: string): string {
  return guid.match(/.{4}/g)?.join(':') ?? guid;
}

function ipoibAddress(hca: HcaHardware): string {
  const bytes = `00000067fe80000000000000${hca.guid}`.match(/../g) ?? [];
  return bytes.join(':');
}
