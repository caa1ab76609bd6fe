// The topology of one subnet out of one sweep: devices, and links with both their ends, keyed by GUID. Names are shown and
// never trusted: they may be doubled, foreign or missing. Ports are joined to the nodes' own by their port GUID.
import type { FabricDevice, FabricPort, FabricSweep } from '#agent/contract';
import type { DeviceTier, LinkTier } from '#server/contract';
import { hostOfName } from './names.ts';
import { dataRateOf } from './rates.ts';
import { levelsOf } from './tiers.ts';

/** A port as the agent of its node knows it. */
export interface AgentPort {
  readonly node: string;
  readonly device: string;
  readonly port: string;
  /** Of the port, in whatever form the kernel or the agent writes it. */
  readonly guid: string;
  /** compute, storage, management, bridge; empty where the agent does not say. */
  readonly role: string;
  /** The node's GPUs are in use. */
  readonly busy: boolean;
  readonly bootMs: number | null;
}

export interface ModelDevice extends FabricDevice {
  /** The node whose agent has one of its ports; null without an agent, and where two agents claim it. */
  readonly node: string | null;
  /** The node, else the host that the node description names. Adapters only. */
  readonly host: string | null;
  readonly tier: DeviceTier;
  /** Switches: 1 beside hosts, 2 above; null where no host is in reach. */
  readonly level: number | null;
}

export interface ModelPort {
  /** `guid/port`, the guid of the device. */
  readonly key: string;
  readonly device: ModelDevice;
  readonly port: number;
  readonly read: FabricPort;
  readonly agent: AgentPort | null;
  readonly dataRate: number | null;
}

/** `a` is the end nearer to hosts. */
export interface ModelLink {
  readonly a: ModelPort;
  readonly b: ModelPort;
  readonly tier: LinkTier;
  /** Bytes a second in one direction. */
  readonly dataRate: number | null;
}

export interface FabricModel {
  readonly subnet: string;
  readonly startedMs: number;
  readonly endedMs: number;
  readonly topologyMs: number;
  readonly devices: ReadonlyMap<string, ModelDevice>;
  readonly ports: ReadonlyMap<string, ModelPort>;
  readonly links: readonly ModelLink[];
  /** By the key of either end. */
  readonly linkOf: ReadonlyMap<string, ModelLink>;
  /** Ports of agents by port GUID, those that the sweep did not reach too. */
  readonly agents: ReadonlyMap<string, AgentPort>;
  readonly silent: FabricSweep['silent'];
  readonly problems: readonly string[];
}

export const keyOf = (guid: string, port: number): string => `${guid}/${port}`;

/** 16 hexadecimal digits out of `0x506b4b0300c10241`, `506b:4b03:00c1:0241`. */
export function plainGuid(text: string): string {
  return text
    .toLowerCase()
    .replace(/^0x/, '')
    .replace(/[^\da-f]/g, '')
    .padStart(16, '0');
}

export function buildFabricModel(sweep: FabricSweep, agentPorts: readonly AgentPort[] = []): FabricModel {
  const agents = agentsByGuid(agentPorts);
  const devices = devicesOf(sweep, agents);
  const ports = portsOf(sweep, devices, agents);
  const links = linksOf(ports);
  return {
    subnet: sweep.subnet,
    startedMs: sweep.startedMs,
    endedMs: sweep.endedMs,
    topologyMs: sweep.topologyMs,
    devices,
    ports,
    links,
    linkOf: new Map(links.flatMap((link) => [[link.a.key, link] as const, [link.b.key, link] as const])),
    agents,
    silent: sweep.silent,
    problems: sweep.problems,
  };
}

/** A GUID that two nodes claim belongs to neither. */
function agentsByGuid(agentPorts: readonly AgentPort[]): ReadonlyMap<string, AgentPort> {
  const byGuid = Map.groupBy(agentPorts, ({ guid }) => plainGuid(guid));
  return new Map(
    [...byGuid].flatMap(([guid, claims]) => {
      const [first] = claims;
      return first && claims.every(({ node }) => node === first.node) ? [[guid, first] as const] : [];
    }),
  );
}

function devicesOf(sweep: FabricSweep, agents: ReadonlyMap<string, AgentPort>): ReadonlyMap<string, ModelDevice> {
  const nodes = new Map<string, string>();
  for (const port of sweep.ports) {
    const node = agentOf(port, agents)?.node;
    if (node !== undefined) nodes.set(port.guid, node);
  }
  const levels = levelsOf(sweep);
  return new Map(
    sweep.devices.map((device) => {
      const node = nodes.get(device.guid) ?? null;
      const name = device.name.trim();
      const level = levels.get(device.guid) ?? null;
      const host = device.kind === 'hca' ? (node ?? hostOfName(name)) : null;
      return [device.guid, { ...device, name, node, host, tier: tierOf(device, level), level }];
    }),
  );
}

function tierOf({ kind }: FabricDevice, level: number | null): DeviceTier {
  if (kind === 'hca') return 'host';
  if (kind !== 'switch' || level === null) return 'other';
  return level === 1 ? 'leaf' : 'spine';
}

function agentOf({ portGuid }: FabricPort, agents: ReadonlyMap<string, AgentPort>): AgentPort | null {
  return agents.get(portGuid ?? '') ?? null;
}

function portsOf(
  sweep: FabricSweep,
  devices: ReadonlyMap<string, ModelDevice>,
  agents: ReadonlyMap<string, AgentPort>,
): ReadonlyMap<string, ModelPort> {
  const ports = new Map<string, ModelPort>();
  for (const read of sweep.ports) {
    const device = devices.get(read.guid);
    // Port 0 of a switch is its own management port and no link.
    if (!device || (device.kind === 'switch' && read.port === 0)) continue;
    const dataRate = dataRateOf(read.widthLanes, read.laneBytesPerSecond);
    const key = keyOf(read.guid, read.port);
    ports.set(key, { key, device, port: read.port, read, agent: agentOf(read, agents), dataRate });
  }
  for (const { read } of [...ports.values()]) addUnreadPeer(ports, devices, read);
  return ports;
}

/** The other end of a link is there although nothing was read of it. */
function addUnreadPeer(
  ports: Map<string, ModelPort>,
  devices: ReadonlyMap<string, ModelDevice>,
  { guid, port, peer }: FabricPort,
): void {
  const device = peer && devices.get(peer.guid);
  if (!peer || !device || ports.has(keyOf(peer.guid, peer.port))) return;
  const key = keyOf(peer.guid, peer.port);
  const read = unreadPort(peer.guid, peer.port, { guid, port });
  ports.set(key, { key, device, port: peer.port, read, agent: null, dataRate: null });
}

function unreadPort(guid: string, port: number, peer: { guid: string; port: number }): FabricPort {
  return {
    guid,
    port,
    peer,
    portGuid: null,
    lid: null,
    state: null,
    physicalState: null,
    widthLanes: null,
    laneBytesPerSecond: null,
    widthLanesBest: null,
    laneBytesPerSecondBest: null,
    counters: {},
    hasWideErrors: false,
    tickBytes: null,
  };
}

function linksOf(ports: ReadonlyMap<string, ModelPort>): readonly ModelLink[] {
  const seen = new Set<string>();
  return [...ports.values()].flatMap((port) => {
    const { peer } = port.read;
    const other = peer && ports.get(keyOf(peer.guid, peer.port));
    if (!other || seen.has(port.key) || seen.has(other.key)) return [];
    seen.add(port.key).add(other.key);
    return [linkOf(port, other)];
  });
}

function linkOf(one: ModelPort, other: ModelPort): ModelLink {
  const swapped = rank(one.device) > rank(other.device);
  const [a, b] = swapped ? [other, one] : [one, other];
  return { a, b, tier: tierOfLink(a.device, b.device), dataRate: a.dataRate ?? b.dataRate };
}

const rank = ({ kind, level }: ModelDevice): number => (kind === 'switch' ? (level ?? 99) : 0);

function tierOfLink(a: ModelDevice, b: ModelDevice): LinkTier {
  if (a.guid === b.guid) return 'loop';
  return a.kind === 'switch' && b.kind === 'switch' ? 'uplink' : 'host';
}

/** The other end of a port. */
export function peerOf(model: FabricModel, port: ModelPort): ModelPort | undefined {
  const link = model.linkOf.get(port.key);
  return link && (link.a.key === port.key ? link.b : link.a);
}
