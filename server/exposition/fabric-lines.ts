// The series of InfiniBand subnets: whole families, without the label `node`. Of a fabric that is swept no more only its age is left.
import { fabricMetricIds, metricName, renderLinePrefix, rowOf, type FabricMetricId } from '#agent/contract';
import { BYTES_PER_WORD, isSaturated } from '../fabric/counters.ts';
import type { ModelPort } from '../fabric/model.ts';
import type { PortHistory } from '../fabric/port-history.ts';
import { speedName } from '../fabric/rates.ts';
import { isStale, type Fabric, type FabricWatch } from '../fabric/watch.ts';
import { causeMetrics, counterMetrics } from './fabric-counters.ts';

export interface FamilyLines {
  readonly id: FabricMetricId;
  readonly lines: readonly string[];
}

export class FabricLines {
  readonly #watch: FabricWatch;
  #generation = -1;
  #stale = '';
  #families: readonly FamilyLines[] = [];

  constructor(watch: FabricWatch) {
    this.#watch = watch;
  }

  /** By family, in catalogue order of their first line. Made again only after a sweep. */
  families(nowMs: number): readonly FamilyLines[] {
    const { generation, fabrics } = this.#watch;
    const stale = fabrics.map((fabric) => (isStale(fabric, nowMs) ? '1' : '0')).join('');
    if (generation !== this.#generation || stale !== this.#stale) {
      this.#generation = generation;
      this.#stale = stale;
      this.#families = buildFamilies(fabrics, nowMs);
    }
    return this.#families;
  }
}

type Write = (id: FabricMetricId, labels: readonly string[], value: number | string) => void;

function buildFamilies(fabrics: readonly Fabric[], nowMs: number): readonly FamilyLines[] {
  const families = new Map<FabricMetricId, string[]>();
  const write: Write = (id, labels, value) => {
    const line = `${renderLinePrefix(metricName(id), rowOf(id).labels, labels)}${value}\n`;
    const lines = families.get(id);
    if (lines) lines.push(line);
    else families.set(id, [line]);
  };
  for (const fabric of fabrics) {
    writeSweep(fabric, write);
    if (isStale(fabric, nowMs)) continue;
    writeTopology(fabric, write);
    for (const port of fabric.model.ports.values())
      writePort(fabric, port, new PortWriter(families, labelsOf(fabric.subnet, port)));
  }
  return [...families].map(([id, lines]) => ({ id, lines }));
}

function writeSweep({ subnet, atMs, sweepMs, topologyChanges }: Fabric, write: Write): void {
  write('fabric_sweep_seconds', [subnet], sweepMs / 1000);
  write('fabric_sweep_last_success_timestamp_seconds', [subnet], atMs / 1000);
  write('fabric_topology_changes_total', [subnet], topologyChanges);
}

function writeTopology({ subnet, model, findings }: Fabric, write: Write): void {
  for (const { guid, kind, name, node, lid, ports } of model.devices.values())
    write(
      'fabric_device_info',
      [subnet, guid, kind, name.toWellFormed(), node ?? '', String(lid ?? ''), String(ports)],
      1,
    );
  for (const { a, b, tier } of model.links) {
    for (const [port, peer] of [[a, b] as const, [b, a] as const])
      write('fabric_link_info', [...labelsOf(subnet, port), peer.device.guid, String(peer.port), tier], 1);
  }
  count(
    write,
    'fabric_devices',
    [...model.devices.values()].map(({ kind }) => [subnet, kind]),
  );
  const active = model.links.filter(({ a }) => a.read.state === 4 && a.read.laneBytesPerSecond !== null);
  count(
    write,
    'fabric_links',
    active.map(({ a: { read } }) => [subnet, speedName(read.laneBytesPerSecond), `${read.widthLanes ?? '?'}x`]),
  );
  write('fabric_silent_devices', [subnet], model.silent.length);
  count(
    write,
    'fabric_findings',
    findings.map(({ kind, severity }) => [subnet, kind, severity]),
  );
}

/** One series per set of labels that occurs. */
function count(write: Write, id: FabricMetricId, all: readonly (readonly string[])[]): void {
  const groups = Map.groupBy(all, (labels) => JSON.stringify(labels));
  for (const [first = [], ...more] of groups.values()) write(id, first, 1 + more.length);
}

const labelsOf = (subnet: string, { device, port }: ModelPort): readonly string[] => [
  subnet,
  device.guid,
  String(port),
];

/** Everything of a line of a port before its value. Labels are written out once per port: there are thirty lines of each. */
class PortWriter {
  readonly #families: Map<FabricMetricId, string[]>;
  readonly #labels: string;

  constructor(families: Map<FabricMetricId, string[]>, labels: readonly string[]) {
    this.#families = families;
    this.#labels = renderLinePrefix('', ['subnet', 'guid', 'port'], labels).slice(1, -2);
  }

  write(id: FabricMetricId, value: number | string, further = ''): void {
    const line = `${names[id]}{${this.#labels}${further}} ${value}\n`;
    const lines = this.#families.get(id);
    if (lines) lines.push(line);
    else this.#families.set(id, [line]);
  }

  /** With one label more, whose value needs no escape. */
  writeOf(id: FabricMetricId, label: string, value: number | string): void {
    this.write(id, value, `,${lastLabel(id)}="${label}"`);
  }
}

const names = catalogueNames();

// Every id is a key of the record by construction.
function catalogueNames(): Readonly<Record<FabricMetricId, string>> {
  return Object.fromEntries(fabricMetricIds.map((id) => [id, metricName(id)])) as Record<FabricMetricId, string>;
}

const lastLabel = (id: FabricMetricId): string => rowOf(id).labels.at(-1) ?? '';

const ACTIVE = 4;

function writePort({ model, history }: Fabric, port: ModelPort, lines: PortWriter): void {
  const { read, dataRate, key } = port;
  if (read.state !== null) lines.write('fabric_port_state_id', read.state);
  if (read.physicalState !== null) lines.write('fabric_port_physical_state_id', read.physicalState);
  const known = history.port(key);
  // Empty slots count nothing.
  if (!known || !(model.linkOf.has(key) || known.activeMs !== null)) return;
  if (dataRate !== null && read.state === ACTIVE)
    lines.write('fabric_port_data_rate_bytes_per_second', Math.round(dataRate));
  if (read.widthLanes !== null) lines.write('fabric_port_link_width_lanes', read.widthLanes);
  for (const [name, digits] of Object.entries(known.known)) writeCounter(known, name, digits, lines);
  lines.write('fabric_port_resets_total', known.resets);
  writeRatios(known, dataRate, lines);
}

function writeCounter({ read }: PortHistory, name: string, digits: string, lines: PortWriter): void {
  const label = /^\w+$/.test(name) ? name : name.replace(/\W/g, '_');
  // A count at its ceiling is a lower bound: there is no value.
  if (isSaturated(name, digits, read)) {
    lines.writeOf('fabric_port_saturated', label, 1);
    return;
  }
  const id = counterMetrics.get(name);
  const cause = causeMetrics.get(name);
  if (cause) lines.writeOf(cause.id, cause.cause, digits);
  else if (!id) lines.writeOf('fabric_port_events_total', label, digits);
  else lines.write(id, name.endsWith('Data') ? String(BigInt(digits) * BigInt(BYTES_PER_WORD)) : digits);
}

function writeRatios({ rates, congestion }: PortHistory, dataRate: number | null, lines: PortWriter): void {
  const ratio = (value: number): number => Math.round(Math.min(1, value) * 10_000) / 10_000;
  const { receivedBytes, transmittedBytes } = rates;
  if (dataRate !== null && receivedBytes !== null)
    lines.writeOf('fabric_port_utilization_ratio', 'receive', ratio(receivedBytes / dataRate));
  if (dataRate !== null && transmittedBytes !== null)
    lines.writeOf('fabric_port_utilization_ratio', 'transmit', ratio(transmittedBytes / dataRate));
  if (!congestion) return;
  lines.write('fabric_port_congestion_ratio', ratio(congestion.low));
  if (congestion.high > congestion.low) lines.write('fabric_port_congestion_ratio_upper', ratio(congestion.high));
}
