// One FabricSweep out of what the tools told: devices of the topology, ports of the link listing, counters by their place.
import { fabricLimits, type FabricDevice, type FabricPort, type FabricSweep } from '#agent/contract';
import type { DiscoveredDevice } from '../parse/fabric/ibnetdiscover.ts';
import type { LinkLine } from '../parse/fabric/iblinkinfo.ts';
import type { PortCounts } from './port-counts.ts';
import { placeKey, type PortPlace, type Topology } from './topology.ts';

export interface SweepParts extends Pick<FabricSweep, 'subnet' | 'startedMs' | 'endedMs' | 'silent' | 'problems'> {
  readonly topology: Topology;
  readonly links: readonly LinkLine[];
  /** By placeKey. */
  readonly counts: ReadonlyMap<string, PortCounts>;
  readonly details: ReadonlyMap<string, Readonly<Record<string, string>>>;
  readonly tickBytes: (guid: string, widthLanes: number | null) => number | null;
  readonly hasWideErrors: (guid: string) => boolean;
}

const MAX_TEXT = 256;
const MAX_SILENT = 1000;
const ACTIVE = 4;
const DOWN = 1;

export function assembleSweep(parts: SweepParts): FabricSweep {
  const { topology, subnet, startedMs, endedMs } = parts;
  return {
    ...{ subnet, startedMs, endedMs, topologyMs: topology.readMs },
    devices: topology.discovery.devices.slice(0, fabricLimits.devices).map(deviceOf),
    ports: parts.links.flatMap((link) => portOf(link, parts)).slice(0, fabricLimits.ports),
    silent: parts.silent.slice(0, MAX_SILENT).map((node) => ({ ...node, name: short(node.name) })),
    problems: parts.problems.map(short),
  };
}

/** Where the line's port is; undefined for a device that the topology does not have (yet). */
export function placeOfLink({ guid, port }: LinkLine, topology: Topology): PortPlace | undefined {
  return guid === null ? undefined : topology.byPortGuid(guid, port);
}

function deviceOf(device: DiscoveredDevice): FabricDevice {
  return { ...device, name: short(device.name), ports: portCount(device) };
}

/** The odd port of a switch (37, 41, 81) leads to its own aggregation node. */
function portCount({ kind, ports }: DiscoveredDevice): number {
  return kind === 'switch' && ports > 1 ? ports - (ports % 2) : ports;
}

function portOf(link: LinkLine, parts: SweepParts): readonly FabricPort[] {
  const { topology, counts, details } = parts;
  const place = placeOfLink(link, topology);
  // Port 0 of a switch is its own management port and no link.
  if (!place || (place.port === 0 && topology.devices.get(place.guid)?.kind === 'switch')) return [];
  const counted = counts.get(placeKey(place));
  const isActive = link.state === ACTIVE;
  const port: FabricPort = {
    ...place,
    portGuid: topology.portGuidOf(place),
    lid: topology.devices.get(place.guid)?.kind === 'switch' ? null : link.lid,
    state: link.state,
    physicalState: link.physicalState,
    widthLanes: link.widthLanes,
    laneBytesPerSecond: link.laneBytesPerSecond,
    widthLanesBest: isActive ? best(link.widthLanes, link.couldBeLanes) : null,
    laneBytesPerSecondBest: isActive ? best(link.laneBytesPerSecond, link.couldBeLaneBytesPerSecond) : null,
    peer: peerOf(link, place, topology),
    counters: countersOf(link, counted, details.get(placeKey(place))),
    hasWideErrors: counted?.hasWideErrors === true || parts.hasWideErrors(place.guid),
    tickBytes: parts.tickBytes(place.guid, link.widthLanes),
  };
  return [port];
}

/** The hint beside an end that did not answer is less than what the link does. */
function best(now: number | null, could: number | null): number | null {
  return now === null || could === null ? now : Math.max(now, could);
}

/** The link listing is newer; where it does not name the other end, the topology does. */
function peerOf({ peer, state }: LinkLine, place: PortPlace, topology: Topology): PortPlace | null {
  if (state === DOWN) return null;
  const listed = peer?.guid == null ? undefined : topology.byPortGuid(peer.guid, peer.port);
  return listed ?? topology.peers.get(placeKey(place)) ?? null;
}

/** A port that is down carries nothing: that its data counters are 0 need not be told. */
function countersOf(
  { state }: LinkLine,
  counted: PortCounts | undefined,
  details: Readonly<Record<string, string>> | undefined,
): Readonly<Record<string, string>> {
  const counters = { ...counted?.counters, ...details };
  if (state !== DOWN) return counters;
  return Object.fromEntries(
    Object.entries(counters).filter(([name, digits]) => digits !== '0' || !/Data$|Pkts$/.test(name)),
  );
}

function short(text: string): string {
  return text.slice(0, MAX_TEXT);
}
