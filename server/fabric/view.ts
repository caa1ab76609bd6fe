// Fabrics as /api/v1/fabric shows them.
import {
  findingSeverities,
  type FabricDeviceView,
  type FabricEndView,
  type FabricFindingView,
  type FabricLinkView,
  type FabricView,
  type FindingSeverity,
} from '#server/contract';
import { counterBits } from './counters.ts';
import { shortName } from './names.ts';
import { keyOf, type ModelDevice, type ModelLink, type ModelPort } from './model.ts';
import type { PortHistory } from './port-history.ts';
import { renderSpeed } from './rates.ts';
import { isStale, type Fabric } from './watch.ts';

const GROWN_WITHIN_MS = 3_600_000;
const errorCounters = Object.keys(counterBits).filter((name) => !/Data$|Pkts$|Wait$/.test(name));

export function viewFabric(fabric: Fabric, nowMs: number): FabricView {
  const { model, history, findings } = fabric;
  const severities = severityByPort(fabric);
  return {
    subnet: fabric.subnet,
    swept_by: fabric.sweptBy,
    time_ms: fabric.atMs,
    age_seconds: Math.max(0, nowMs - fabric.atMs) / 1000,
    stale: isStale(fabric, nowMs),
    sweep_seconds: fabric.sweepMs / 1000,
    topology_changes: fabric.topologyChanges,
    coverage: coverageOf(fabric),
    devices: [...model.devices.values()].map(viewDevice),
    links: model.links.map((link) => viewLink(fabric, link, severities)),
    findings: findings.map(({ sinceMs, ...finding }): FabricFindingView => ({
      ...finding,
      since_ms: sinceMs ?? fabric.foundMs.get(finding.id) ?? history.nowMs,
    })),
  };
}

function coverageOf({ model, history }: Fabric): FabricView['coverage'] {
  const adapters = [...model.devices.values()].filter(({ kind }) => kind === 'hca');
  const ends = model.links.flatMap(({ a, b }) => [a, b]);
  const isCounted = ({ key }: ModelPort): boolean => Object.keys(history.port(key)?.read.counters ?? {}).length > 0;
  return {
    devices: model.devices.size,
    links: model.links.length,
    silent: model.silent.length,
    adapters: adapters.length,
    adapters_with_agent: adapters.filter(({ node }) => node !== null).length,
    ports: ends.length,
    ports_with_counters: ends.filter(isCounted).length,
    problems: model.problems,
  };
}

function viewDevice({ guid, kind, name, node, host, tier, level, lid, ports }: ModelDevice): FabricDeviceView {
  return { guid, kind, name: shortName(name), node, host, tier, level, lid, ports };
}

function viewLink(fabric: Fabric, { a, b, tier, dataRate }: ModelLink, severities: Severities): FabricLinkView {
  const lanes = a.read.widthLanes ?? b.read.widthLanes;
  const lane = a.read.laneBytesPerSecond ?? b.read.laneBytesPerSecond;
  return {
    tier,
    speed: renderSpeed(lanes, lane),
    data_rate_bytes_per_second: dataRate,
    ends: [viewEnd(fabric, a, dataRate), viewEnd(fabric, b, dataRate)],
    severity: gravest([severities.get(a.key), severities.get(b.key)]),
  };
}

function viewEnd({ history }: Fabric, { key, device, port, read }: ModelPort, dataRate: number | null): FabricEndView {
  const known = history.port(key);
  const sent = known?.rates.transmittedBytes ?? null;
  const congestion = known?.congestion ?? null;
  return {
    guid: device.guid,
    port,
    state_id: read.state,
    physical_state_id: read.physicalState,
    transmitted_bytes_per_second: sent,
    utilization_ratio: sent === null || dataRate === null ? null : Math.min(1, sent / dataRate),
    congestion_ratio: congestion?.low ?? null,
    congestion_ratio_upper: congestion && congestion.high > congestion.low ? congestion.high : null,
    errors_grown: known ? errorsGrown(known, history.nowMs - GROWN_WITHIN_MS) : {},
  };
}

function errorsGrown(port: PortHistory, sinceMs: number): Readonly<Record<string, number>> {
  return Object.fromEntries(
    errorCounters.flatMap((name) => {
      const gained = port.gained(name, sinceMs);
      return gained > 0 ? [[name, gained]] : [];
    }),
  );
}

type Severities = ReadonlyMap<string, FindingSeverity>;

/** Findings of whole devices do not colour their links. */
function severityByPort({ findings }: Fabric): Severities {
  const severities = new Map<string, FindingSeverity>();
  for (const { ports, severity } of findings) {
    for (const { guid, port } of ports) {
      const key = keyOf(guid, port);
      const worst = gravest([severities.get(key), severity]);
      if (port > 0 && worst) severities.set(key, worst);
    }
  }
  return severities;
}

function gravest(severities: readonly (FindingSeverity | undefined)[]): FindingSeverity | null {
  return findingSeverities.findLast((severity) => severities.includes(severity)) ?? null;
}
