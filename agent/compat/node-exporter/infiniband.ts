// node_infiniband_*: sys/class/infiniband as node_exporter 1.5 (procfs 0.8) shows it.
import { agentCatalogue, isAbsent } from '#agent/contract';
import { wantedHcas } from '../../collectors/infiniband/discovery.ts';
import { fastCounters, mediumCounters, type PortCounterRow } from '../../collectors/infiniband/port-counters.ts';
import type { InfinibandSettings } from '../../collectors/infiniband/settings.ts';
import { parsePortState } from '../../parse/infiniband-state.ts';
import { ParseError } from '../../parse/parse-error.ts';
import type { Tree } from '../../sources/tree.ts';
import type { Family, Sample } from './family.ts';

const CLASS = 'sys/class/infiniband';
const LARGEST = 2n ** 64n - 1n;
const portLabels = ['device', 'port'] as const;
const infoLabels = ['board_id', 'device', 'firmware_version', 'hca_type'] as const;

interface PortFile {
  readonly name: string;
  readonly kind: Family['kind'];
  readonly help: string;
  readonly path: string;
  readonly valueOf: (text: string, source: string) => number | bigint | undefined;
}

interface PortPath {
  readonly device: string;
  readonly port: string;
  readonly path: string;
}

const stateId = (text: string, source: string): number => parsePortState(text, source).id;

const portFiles: readonly PortFile[] = [
  gauge('state_id', 'state', 'Logical port state, numbered as the kernel does', stateId),
  gauge('physical_state_id', 'phys_state', 'Physical port state, numbered as the kernel does', stateId),
  gauge('rate_bytes_per_second', 'rate', 'Rate as the kernel prints it', rateOf),
  ...[...fastCounters, ...mediumCounters].map(known),
  counter('port_discards_received_total', 'counters/port_rcv_discards', 'Inbound packets dropped'),
  ...legacyCounters(),
];

export function infinibandFamilies(tree: Tree, settings: InfinibandSettings): readonly Family[] {
  const wanted = new Set(wantedHcas(tree, settings).map(({ device }) => device));
  const devices = tree.names(CLASS).filter((device) => wanted.has(device));
  const ports = devices.flatMap((device) => portsOf(tree, device));
  return [infoFamily(tree, devices), ...portFiles.map((file) => portFamily(tree, ports, file))];
}

function portsOf(tree: Tree, device: string): readonly PortPath[] {
  const directory = `${CLASS}/${device}/ports`;
  return tree.names(directory).map((port) => ({ device, port, path: `${directory}/${port}` }));
}

function infoFamily(tree: Tree, devices: readonly string[]): Family {
  const text = (device: string, file: string): string => tree.word(`${CLASS}/${device}/${file}`) ?? '';
  return {
    name: 'node_infiniband_info',
    kind: 'gauge',
    help: agentCatalogue.infiniband_info.help,
    labels: infoLabels,
    samples: devices.map((device) => ({
      values: [text(device, 'board_id'), device, text(device, 'fw_ver'), text(device, 'hca_type')],
      value: 1,
    })),
  };
}

function portFamily(tree: Tree, ports: readonly PortPath[], file: PortFile): Family {
  return {
    name: file.name,
    kind: file.kind,
    help: file.help,
    labels: portLabels,
    samples: ports.flatMap((port) => sampleOf(tree, port, file)),
  };
}

function sampleOf(tree: Tree, { device, port, path }: PortPath, file: PortFile): readonly Sample[] {
  const source = `${path}/${file.path}`;
  const text = tree.text(source);
  if (isAbsent(text)) return [];
  try {
    const value = file.valueOf(text, source);
    return value === undefined ? [] : [{ values: [device, port], value }];
  } catch (error) {
    if (error instanceof ParseError) return [];
    throw error;
  }
}

function known(row: PortCounterRow): PortFile {
  const name = row.file === 'port_xmit_wait' ? 'infiniband_port_transmit_wait_total' : row.id;
  return {
    name: `node_${name}`,
    kind: 'counter',
    help: agentCatalogue[row.id].help,
    path: `counters/${row.file}`,
    valueOf: (text) => count(text, row.factor),
  };
}

function gauge(name: string, path: string, help: string, valueOf: PortFile['valueOf']): PortFile {
  return { name: `node_infiniband_${name}`, kind: 'gauge', help, path, valueOf };
}

function counter(name: string, path: string, help: string, factor: 1 | 4 = 1): PortFile {
  return { name: `node_infiniband_${name}`, kind: 'counter', help, path, valueOf: (text) => count(text, factor) };
}

function legacyCounters(): readonly PortFile[] {
  const legacy = (name: string, file: string, help: string, factor: 1 | 4 = 1): PortFile =>
    counter(`legacy_${name}_total`, `counters_ext/${file}`, `${help}, from counters_ext`, factor);
  return [
    legacy('data_received_bytes', 'port_rcv_data_64', 'Data received', 4),
    legacy('data_transmitted_bytes', 'port_xmit_data_64', 'Data sent', 4),
    legacy('packets_received', 'port_rcv_packets_64', 'Packets received'),
    legacy('packets_transmitted', 'port_xmit_packets_64', 'Packets sent'),
    legacy('unicast_packets_received', 'port_unicast_rcv_packets', 'Unicast packets received'),
    legacy('unicast_packets_transmitted', 'port_unicast_xmit_packets', 'Unicast packets sent'),
    legacy('multicast_packets_received', 'port_multicast_rcv_packets', 'Multicast packets received'),
    legacy('multicast_packets_transmitted', 'port_multicast_xmit_packets', 'Multicast packets sent'),
  ];
}

/** The number before the first blank, whatever stands behind it, as there. */
function rateOf(text: string): number | undefined {
  const gigabits = /^(\d+(?:\.\d+)?) /.exec(text)?.[1];
  return gigabits === undefined ? undefined : Math.round(Number(gigabits) * 125_000_000);
}

/** 64 bits that wrap where words are multiplied, as in Go. */
function count(text: string, factor: 1 | 4): bigint | undefined {
  const digits = text.trim();
  if (!/^\d{1,20}$/.test(digits) || BigInt(digits) > LARGEST) return undefined;
  return BigInt.asUintN(64, BigInt(digits) * BigInt(factor));
}
