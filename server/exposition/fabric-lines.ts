// The series of InfiniBand subnets: whole families, without the label `node`. The labels of a port are written out once per
// topology; of a fabric that is swept no more only its age is left.
import { metricName, renderLinePrefix, rowOf, type FabricMetricId } from '#agent/contract';
import { BYTES_PER_WORD, isSaturated } from '../fabric/counters.ts';
import type { ModelPort } from '../fabric/model.ts';
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
    for (const port of fabric.model.ports.values()) writePort(fabric, port, write);
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

function writePort({ subnet, model, history }: Fabric, port: ModelPort, write: Write): void {
  const { read, dataRate, key } = port;
  const labels = labelsOf(subnet, port);
  if (read.state !== null) write('fabric_port_state_id', labels, read.state);
  if (read.physicalState !== null) write('fabric_port_physical_state_id', labels, read.physicalState);
  const known = history.port(key);
  // Empty slots count nothing.
  if (!known || !(model.linkOf.has(key) || known.activeMs !== null)) return;
  if (dataRate !== null && read.state === 4)
    write('fabric_port_data_rate_bytes_per_second', labels, Math.round(dataRate));
  if (read.widthLanes !== null) write('fabric_port_link_width_lanes', labels, read.widthLanes);
  for (const [name, digits] of Object.entries(known.known)) {
    // A count at its ceiling is a lower bound: there is no value.
    if (isSaturated(name, digits, known.read)) write('fabric_port_saturated', [...labels, name], 1);
    else writeCounter(labels, name, digits, write);
  }
  write('fabric_port_resets_total', labels, known.resets);
  const { receivedBytes, transmittedBytes } = known.rates;
  const ratio = (value: number): string =>
    Math.min(1, value)
      .toFixed(4)
      .replace(/\.?0+$/, '');
  if (dataRate !== null && receivedBytes !== null)
    write('fabric_port_utilization_ratio', [...labels, 'receive'], ratio(receivedBytes / dataRate));
  if (dataRate !== null && transmittedBytes !== null)
    write('fabric_port_utilization_ratio', [...labels, 'transmit'], ratio(transmittedBytes / dataRate));
  if (!known.congestion) return;
  const { low, high } = known.congestion;
  write('fabric_port_congestion_ratio', labels, ratio(low));
  if (high > low) write('fabric_port_congestion_ratio_upper', labels, ratio(high));
}

function writeCounter(labels: readonly string[], name: string, digits: string, write: Write): void {
  const cause = causeMetrics.get(name);
  const id = counterMetrics.get(name);
  if (cause) write(cause.id, [...labels, cause.cause], digits);
  else if (!id) write('fabric_port_events_total', [...labels, name.toWellFormed()], digits);
  else write(id, labels, name.endsWith('Data') ? String(BigInt(digits) * BigInt(BYTES_PER_WORD)) : digits);
}
