// Network interfaces below sys/class/net, and proc/net/dev.
import type { NodeHardware } from '../hardware.ts';
import type { NetworkCounters } from '../host-counters.ts';
import { hexOf } from '../random.ts';
import type { NodeState } from '../workload.ts';
import { writePciDevice } from './pci.ts';
import type { TreeWriter } from './tree-writer.ts';

export interface Interface {
  readonly name: string;
  /** Directory of the device; undefined for a virtual one. */
  readonly pci: string | undefined;
  readonly speedMbit: number | undefined;
  readonly mtu: number;
  readonly address: string;
  readonly type: number;
  /** Of a link that comes and goes. */
  readonly link?: (state: NodeState) => Carrier;
}

interface Carrier {
  readonly up: boolean;
  /** How often, since the interface came. */
  readonly wentDown: number;
}

export function writeNetworkInterface(tree: TreeWriter<NodeState>, one: Interface): void {
  const directory = one.pci === undefined ? `sys/devices/virtual/net/${one.name}` : `${one.pci}/net/${one.name}`;
  tree.files(directory, {
    address: one.address,
    dev_id: '0x0',
    dev_port: 0,
    ifindex: 1,
    mtu: one.mtu,
    type: one.type,
    ...(one.speedMbit === undefined ? {} : { speed: one.speedMbit, duplex: 'full' }),
  });
  writeCarrier(tree, directory, one);
  if (one.pci !== undefined) tree.link(`${directory}/device`, one.pci);
  tree.link(`sys/class/net/${one.name}`, directory);
}

function writeCarrier(tree: TreeWriter<NodeState>, directory: string, { pci, link }: Interface): void {
  if (!link) {
    const operstate = pci === undefined ? 'unknown' : 'up';
    tree.files(directory, { carrier: 1, carrier_changes: 2, carrier_down_count: 1, carrier_up_count: 1, operstate });
    return;
  }
  const changing = (name: string, read: (now: Carrier) => string | number): void => {
    tree.seldom(`${directory}/${name}`, (state) => read(link(state)));
  };
  changing('carrier', ({ up }) => (up ? 1 : 0));
  changing('operstate', ({ up }) => (up ? 'up' : 'down'));
  changing('carrier_down_count', ({ wentDown }) => wentDown);
  changing('carrier_up_count', ({ up, wentDown }) => wentDown + (up ? 0 : -1));
  changing('carrier_changes', ({ up, wentDown }) => 2 * wentDown + (up ? 0 : -1));
}

const management = { name: 'eno1', speedMbit: 10_000 } as const;
const storage = { name: 'ens5f0', speedMbit: 100_000 } as const;

export function writeEthernet(tree: TreeWriter<NodeState>, hardware: NodeHardware): void {
  const { ethernetBuses } = hardware.platform;
  writeNetworkInterface(tree, {
    name: 'lo',
    pci: undefined,
    speedMbit: undefined,
    mtu: 65_536,
    address: '00:00:00:00:00:00',
    type: 772,
  });
  for (const [port, bus, mtu] of [
    [management, ethernetBuses.management, 1500],
    [storage, ethernetBuses.storage, 9000],
  ] as const) {
    const pci = writePciDevice(
      tree,
      {
        bus,
        vendor: '0x15b3',
        device: '0x1017',
        class: '0x020000',
        linkWidth: port === storage ? 16 : 8,
      },
      hardware,
    );
    const address = `98:03:9b:${(hexOf(0, 6, hardware.name, port.name).match(/../g) ?? []).join(':')}`;
    writeNetworkInterface(tree, { ...port, pci, mtu, address, type: 1 });
  }
  tree.live('proc/net/dev', (text) => {
    text.text('Inter-|   Receive                                                |  Transmit\n');
    text.text(
      ' face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n',
    );
    for (const { name, read } of interfacesOf(hardware)) {
      text.text(`${name.padStart(6)}:`);
      text.slot({ width: 16, align: 'right', read: (state) => read(state)?.rxBytes ?? 0 }).text(' ');
      text.slot({ width: 16, align: 'right', read: (state) => read(state)?.rxPackets ?? 0 });
      text.text('    0    0    0     0          0         0 ');
      text.slot({ width: 16, align: 'right', read: (state) => read(state)?.txBytes ?? 0 }).text(' ');
      text.slot({ width: 16, align: 'right', read: (state) => read(state)?.txPackets ?? 0 });
      text.text('    0    0    0     0       0          0\n');
    }
  });
}

interface InterfaceSource {
  readonly name: string;
  readonly read: (state: NodeState) => NetworkCounters | undefined;
}

function interfacesOf(hardware: NodeHardware): readonly InterfaceSource[] {
  return [
    { name: 'lo', read: ({ counters }) => counters.loopback },
    { name: management.name, read: ({ counters }) => counters.managementNetwork },
    { name: storage.name, read: ({ counters }) => counters.storageNetwork },
    ...hardware.hcas.map((hca, index): InterfaceSource => ({
      name: hca.netdev,
      read: ({ counters }) => counters.ipoib[index],
    })),
  ];
}
